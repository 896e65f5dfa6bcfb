/* 2-D convolution of NHWC int16 images with weights of 8 bits or less. */
#ifndef EQ_CONV2D_INT16_H
#define EQ_CONV2D_INT16_H

#include <stdint.h>

typedef struct {
    int32_t batch, in_h, in_w, in_c, out_h, out_w, out_c;
    int32_t kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w;
    int32_t pad_top, pad_left;
    int32_t groups;
    const uint8_t *weights; /* (out_c, kernel_h, kernel_w, in_c / groups): bytes, or a stream as in packed.h */
    int32_t weight_bits;
    const int32_t *bias;       /* one per output channel */
    const int16_t *bias_upper; /* what stands above these 32 bits, or NULL: nothing; with sums of 64 bits */
    const int32_t *mantissa;
    const int8_t *shift;
    int32_t qmin, qmax;
} eq_conv2d_int16_params;

/* With sums of 32 bits, and with sums of 64 bits. */
void eq_conv2d_int16_ref(const eq_conv2d_int16_params *p, const int16_t *input, int16_t *output);
void eq_conv2d_int16_ref_wide(const eq_conv2d_int16_params *p, const int16_t *input, int16_t *output);

#endif
