/* Depthwise 2-D convolution of NHWC int8 images on Armv6-M and Armv7-M: four columns of a channel at a time, on the
 * last few rows of the padded image. */
#ifndef EQ_DEPTHWISE_CONV2D_THUMB_H
#define EQ_DEPTHWISE_CONV2D_THUMB_H

#include <stdint.h>

typedef struct {
    int32_t batch, in_h, in_w, in_c, out_h, out_w, out_c; /* out_c is a multiple of in_c */
    int32_t kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w;
    int32_t pad_top, pad_left;
    int32_t pad_value;     /* what the input reads as outside its borders: its zero-point */
    int32_t columns;       /* of a padded row: all that four outputs at a time read */
    const int8_t *weights; /* (out_c, kernel_h, kernel_w) */
    const int32_t *bias;   /* one per output channel, input zero-point folded in */
    const int32_t *mantissa;
    const int8_t *shift;
    int32_t zero_point, qmin, qmax;
} eq_depthwise_conv2d_thumb_params;

/* scratch: sums of a row, 4 bytes for each of out_w columns and as many more as make that a multiple of 4; pointers to
 * the rows of the window; dilation_h * (kernel_h - 1) + 1 rows of `columns` pixels. */
void eq_depthwise_conv2d_thumb_fast(const eq_depthwise_conv2d_thumb_params *p, const int8_t *input, int8_t *output,
                                    void *scratch);
void eq_depthwise_conv2d_thumb_single(const eq_depthwise_conv2d_thumb_params *p, const int8_t *input, int8_t *output,
                                      void *scratch);
void eq_depthwise_conv2d_thumb_double(const eq_depthwise_conv2d_thumb_params *p, const int8_t *input, int8_t *output,
                                      void *scratch);
void eq_depthwise_conv2d_thumb2_fast(const eq_depthwise_conv2d_thumb_params *p, const int8_t *input, int8_t *output,
                                     void *scratch);
void eq_depthwise_conv2d_thumb2_single(const eq_depthwise_conv2d_thumb_params *p, const int8_t *input, int8_t *output,
                                       void *scratch);
void eq_depthwise_conv2d_thumb2_double(const eq_depthwise_conv2d_thumb_params *p, const int8_t *input, int8_t *output,
                                       void *scratch);

/* With weights of 4 bits, in the order of `plain.weights`, which is NULL. */
typedef struct {
    eq_depthwise_conv2d_thumb_params plain;
    const uint32_t *weights; /* as eq_unpack_int4 takes them */
} eq_depthwise_conv2d_int4_thumb_params;

/* scratch: the unpacked weights (EQ_UNPACKED_INT4_BYTES), then as above. */
void eq_depthwise_conv2d_int4_thumb_fast(const eq_depthwise_conv2d_int4_thumb_params *p, const int8_t *input,
                                         int8_t *output, void *scratch);
void eq_depthwise_conv2d_int4_thumb_single(const eq_depthwise_conv2d_int4_thumb_params *p, const int8_t *input,
                                           int8_t *output, void *scratch);
void eq_depthwise_conv2d_int4_thumb_double(const eq_depthwise_conv2d_int4_thumb_params *p, const int8_t *input,
                                           int8_t *output, void *scratch);
void eq_depthwise_conv2d_int4_thumb2_fast(const eq_depthwise_conv2d_int4_thumb_params *p, const int8_t *input,
                                          int8_t *output, void *scratch);
void eq_depthwise_conv2d_int4_thumb2_single(const eq_depthwise_conv2d_int4_thumb_params *p, const int8_t *input,
                                            int8_t *output, void *scratch);
void eq_depthwise_conv2d_int4_thumb2_double(const eq_depthwise_conv2d_int4_thumb_params *p, const int8_t *input,
                                            int8_t *output, void *scratch);

#endif
