/* 2-D convolution of NHWC int8 images on Armv6-M: tiles of eight pixels, two products per multiplication. */
#ifndef EQ_CONV2D_THUMB_H
#define EQ_CONV2D_THUMB_H

#include <stdint.h>

typedef struct {
    int32_t batch, in_h, in_w, in_c, out_h, out_w, out_c;
    int32_t kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w;
    int32_t pad_top, pad_left;
    int32_t pad_value;      /* what the input reads as outside its borders: its zero-point */
    const int8_t *weights;  /* per output channel blocks, as eq_thumb_gemm takes them; (kernel_h, kernel_w, in_c) */
    const uint16_t *blocks; /* how many, per output channel */
    const int32_t *bias;    /* one per output channel, input zero-point folded in */
    const int32_t *mantissa;
    const int8_t *shift;
    int32_t zero_point, qmin, qmax;
} eq_conv2d_thumb_params;

/* scratch: 16 * kernel_h * kernel_w * in_c + in_c bytes. */
void eq_conv2d_thumb_fast(const eq_conv2d_thumb_params *p, const int8_t *input, int8_t *output, void *scratch);
void eq_conv2d_thumb_single(const eq_conv2d_thumb_params *p, const int8_t *input, int8_t *output, void *scratch);
void eq_conv2d_thumb_double(const eq_conv2d_thumb_params *p, const int8_t *input, int8_t *output, void *scratch);

#endif
