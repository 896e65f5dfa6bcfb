/* Convolutions by Arm's CMSIS-NN. */
#ifndef EQ_CONV_CMSIS_NN_H
#define EQ_CONV_CMSIS_NN_H

#include <stdint.h>

typedef struct {
    int32_t batch, in_h, in_w, in_c, out_h, out_w, out_c;
    int32_t kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w;
    int32_t pad_top, pad_left;
    int32_t groups;        /* 1 for depthwise convolutions */
    int32_t input_offset;  /* minus the input's zero-point */
    int32_t scratch_bytes; /* as the library says */
    const int8_t *weights; /* (out_c, kernel_h, kernel_w, in_c / groups); depthwise: (kernel_h, kernel_w, out_c) */
    const int32_t *bias;   /* one per output channel, input zero-point not folded in */
    const int32_t *multiplier;
    const int32_t *shift; /* positive: to the left */
    int32_t zero_point, qmin, qmax;
} eq_conv_cmsis_nn_params;

void eq_conv2d_cmsis_nn(const eq_conv_cmsis_nn_params *p, const int8_t *input, int8_t *output, void *scratch);
void eq_depthwise_conv2d_cmsis_nn(const eq_conv_cmsis_nn_params *p, const int8_t *input, int8_t *output, void *scratch);

/* Bytes of scratch memory that the library asks for. */
int32_t eq_conv2d_cmsis_nn_bytes(const eq_conv_cmsis_nn_params *p);
int32_t eq_depthwise_conv2d_cmsis_nn_bytes(const eq_conv_cmsis_nn_params *p);

#endif
