/* 2-D convolution of NHWC int8 images with weights of 4 bits on Armv6-M and Armv7-M: tiles of eight pixels, two
 * products per multiplication. */
#ifndef EQ_CONV2D_INT4_THUMB_H
#define EQ_CONV2D_INT4_THUMB_H

#include <stdint.h>

typedef struct {
    int32_t batch, in_h, in_w, in_c, out_h, out_w, out_c;
    int32_t kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w;
    int32_t pad_top, pad_left;
    int32_t pad_value;             /* what the input reads as outside its borders: its zero-point */
    const uint32_t *weights;       /* per output channel `words` of eight weights; (kernel_h, kernel_w, in_c) */
    int32_t words, block, skipped; /* see eq_thumb_int4 */
    const int32_t *bias;           /* one per output channel, input zero-point folded in */
    const int32_t *mantissa;
    const int8_t *shift;
    int32_t zero_point, qmin, qmax;
} eq_conv2d_int4_thumb_params;

/* scratch: 16 * kernel_h * kernel_w * in_c + in_c bytes. */
void eq_conv2d_int4_thumb_fast(const eq_conv2d_int4_thumb_params *p, const int8_t *input, int8_t *output,
                               void *scratch);
void eq_conv2d_int4_thumb_single(const eq_conv2d_int4_thumb_params *p, const int8_t *input, int8_t *output,
                                 void *scratch);
void eq_conv2d_int4_thumb_double(const eq_conv2d_int4_thumb_params *p, const int8_t *input, int8_t *output,
                                 void *scratch);
void eq_conv2d_int4_thumb2_fast(const eq_conv2d_int4_thumb_params *p, const int8_t *input, int8_t *output,
                                void *scratch);
void eq_conv2d_int4_thumb2_single(const eq_conv2d_int4_thumb_params *p, const int8_t *input, int8_t *output,
                                  void *scratch);
void eq_conv2d_int4_thumb2_double(const eq_conv2d_int4_thumb_params *p, const int8_t *input, int8_t *output,
                                  void *scratch);

/* With weights of 2 bits, words of 16, and of 1 bit, words of 32, which is 1 for -1 and 0 for 1. */
void eq_conv2d_int2_thumb_fast(const eq_conv2d_int4_thumb_params *p, const int8_t *input, int8_t *output,
                               void *scratch);
void eq_conv2d_int2_thumb_single(const eq_conv2d_int4_thumb_params *p, const int8_t *input, int8_t *output,
                                 void *scratch);
void eq_conv2d_int2_thumb_double(const eq_conv2d_int4_thumb_params *p, const int8_t *input, int8_t *output,
                                 void *scratch);
void eq_conv2d_binary_thumb_fast(const eq_conv2d_int4_thumb_params *p, const int8_t *input, int8_t *output,
                                 void *scratch);
void eq_conv2d_binary_thumb_single(const eq_conv2d_int4_thumb_params *p, const int8_t *input, int8_t *output,
                                   void *scratch);
void eq_conv2d_binary_thumb_double(const eq_conv2d_int4_thumb_params *p, const int8_t *input, int8_t *output,
                                   void *scratch);
void eq_conv2d_int2_thumb2_fast(const eq_conv2d_int4_thumb_params *p, const int8_t *input, int8_t *output,
                                void *scratch);
void eq_conv2d_int2_thumb2_single(const eq_conv2d_int4_thumb_params *p, const int8_t *input, int8_t *output,
                                  void *scratch);
void eq_conv2d_int2_thumb2_double(const eq_conv2d_int4_thumb_params *p, const int8_t *input, int8_t *output,
                                  void *scratch);
void eq_conv2d_binary_thumb2_fast(const eq_conv2d_int4_thumb_params *p, const int8_t *input, int8_t *output,
                                  void *scratch);
void eq_conv2d_binary_thumb2_single(const eq_conv2d_int4_thumb_params *p, const int8_t *input, int8_t *output,
                                    void *scratch);
void eq_conv2d_binary_thumb2_double(const eq_conv2d_int4_thumb_params *p, const int8_t *input, int8_t *output,
                                    void *scratch);

#endif
