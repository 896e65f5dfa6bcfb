/* Transposed 2-D convolution of NHWC int8 images. */
#ifndef EQ_CONV_TRANSPOSE2D_H
#define EQ_CONV_TRANSPOSE2D_H

#include <stdint.h>

typedef struct {
    int32_t batch, in_h, in_w, in_c, out_h, out_w, out_c;
    int32_t kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w;
    int32_t pad_top, pad_left; /* rows and columns cut off the output */
    int32_t groups;
    const int8_t *weights;            /* (out_c, kernel_h, kernel_w, in_c / groups) */
    const int16_t *weight_zero_point; /* one per output channel, or NULL: symmetric weights */
    const int32_t *tap_bias; /* (out_c, kernel_h, kernel_w): -zero-point of the input times the tap's weights */
    const int32_t *bias;     /* one per output channel; the input's zero-point is in tap_bias */
    const int32_t *mantissa;
    const int8_t *shift;
    int32_t zero_point, qmin, qmax;
} eq_conv_transpose2d_params;

void eq_conv_transpose2d_ref_fast(const eq_conv_transpose2d_params *p, const int8_t *input, int8_t *output);
void eq_conv_transpose2d_ref_single(const eq_conv_transpose2d_params *p, const int8_t *input, int8_t *output);
void eq_conv_transpose2d_ref_double(const eq_conv_transpose2d_params *p, const int8_t *input, int8_t *output);

#endif
