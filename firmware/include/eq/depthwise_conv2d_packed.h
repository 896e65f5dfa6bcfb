/* Depthwise 2-D convolution of NHWC int8 images. */
#ifndef EQ_DEPTHWISE_CONV2D_PACKED_H
#define EQ_DEPTHWISE_CONV2D_PACKED_H

#include <stdint.h>

typedef struct {
    int32_t batch, in_h, in_w, in_c, out_h, out_w, out_c; /* out_c is a multiple of in_c */
    int32_t kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w;
    int32_t pad_top, pad_left;
    int32_t pad_value;      /* what the input reads as outside its borders: its zero-point */
    const uint8_t *weights; /* eq/packed.h, elements in the order (kernel_h, kernel_w, out_c) */
    int32_t weight_bits;
    const int32_t *bias; /* one per output channel, input zero-point folded in */
    const int32_t *mantissa;
    const int8_t *shift;
    int32_t zero_point, qmin, qmax;
} eq_depthwise_conv2d_packed_params;

void eq_depthwise_conv2d_packed_ref_fast(const eq_depthwise_conv2d_packed_params *p, const int8_t *input,
                                         int8_t *output);
void eq_depthwise_conv2d_packed_ref_single(const eq_depthwise_conv2d_packed_params *p, const int8_t *input,
                                           int8_t *output);
void eq_depthwise_conv2d_packed_ref_double(const eq_depthwise_conv2d_packed_params *p, const int8_t *input,
                                           int8_t *output);

#endif
