/* 2-D convolution of NHWC int8 images on Helium. */
#ifndef EQ_CONV2D_MVE_H
#define EQ_CONV2D_MVE_H

#include <stdint.h>

/* Output channels are in blocks of 16, in the order that kernels/mve/requant.h says, then what is left in order. Arrays
 * are in that order and filled up with zeros to a multiple of 4. */
typedef struct {
    int32_t batch, in_h, in_w, in_c, out_h, out_w, out_c;
    int32_t kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w;
    int32_t pad_top, pad_left;
    int32_t pad_value;         /* what the input reads as outside its borders: its zero-point */
    const int8_t *weights;     /* per two channels, per 16 taps (of the order row, column, channel): 16 of each */
    const int32_t *bias;       /* input zero-point folded in */
    const int32_t *multiplier; /* m * 2^31, or its mantissa */
    const int32_t *shift;      /* _single: of the product's high word; _double: of the rounded product; _fast: NULL */
    int32_t zero_point, qmin, qmax;
} eq_conv2d_mve_params;

/* scratch: three windows, each filled up to a multiple of 16 bytes. */
void eq_conv2d_mve_fast(const eq_conv2d_mve_params *p, const int8_t *input, int8_t *output, void *scratch);
void eq_conv2d_mve_single(const eq_conv2d_mve_params *p, const int8_t *input, int8_t *output, void *scratch);
void eq_conv2d_mve_double(const eq_conv2d_mve_params *p, const int8_t *input, int8_t *output, void *scratch);

/* 1x1, no padding. */
void eq_conv2d_1x1_mve_fast(const eq_conv2d_mve_params *p, const int8_t *input, int8_t *output);
void eq_conv2d_1x1_mve_single(const eq_conv2d_mve_params *p, const int8_t *input, int8_t *output);
void eq_conv2d_1x1_mve_double(const eq_conv2d_mve_params *p, const int8_t *input, int8_t *output);

/* With weights of 4 bits: per two channels, per 16 taps 16 bytes, whose low halves are the first channel's weights and
 * whose high halves are the second's. */
void eq_conv2d_int4_mve_fast(const eq_conv2d_mve_params *p, const int8_t *input, int8_t *output, void *scratch);
void eq_conv2d_int4_mve_single(const eq_conv2d_mve_params *p, const int8_t *input, int8_t *output, void *scratch);
void eq_conv2d_int4_mve_double(const eq_conv2d_mve_params *p, const int8_t *input, int8_t *output, void *scratch);
void eq_conv2d_1x1_int4_mve_fast(const eq_conv2d_mve_params *p, const int8_t *input, int8_t *output);
void eq_conv2d_1x1_int4_mve_single(const eq_conv2d_mve_params *p, const int8_t *input, int8_t *output);
void eq_conv2d_1x1_int4_mve_double(const eq_conv2d_mve_params *p, const int8_t *input, int8_t *output);

/* 1x1 with weights of 2 bits per four channels, per 16 taps 16 bytes, of 1 bit per eight channels, as
 * eq/fully_connected_mve.h says. Arrays are filled up to a multiple of 8. scratch: 16 channels' weights as bytes,
 * filled up to 16 taps. */
void eq_conv2d_1x1_int2_mve_fast(const eq_conv2d_mve_params *p, const int8_t *input, int8_t *output, void *scratch);
void eq_conv2d_1x1_int2_mve_single(const eq_conv2d_mve_params *p, const int8_t *input, int8_t *output, void *scratch);
void eq_conv2d_1x1_int2_mve_double(const eq_conv2d_mve_params *p, const int8_t *input, int8_t *output, void *scratch);
void eq_conv2d_1x1_binary_mve_fast(const eq_conv2d_mve_params *p, const int8_t *input, int8_t *output, void *scratch);
void eq_conv2d_1x1_binary_mve_single(const eq_conv2d_mve_params *p, const int8_t *input, int8_t *output, void *scratch);
void eq_conv2d_1x1_binary_mve_double(const eq_conv2d_mve_params *p, const int8_t *input, int8_t *output, void *scratch);

#endif
