/* Convolutions of NHWC int16 images with weights of bytes, and fully connected layers, on Armv6-M and Armv7-M. Sums fit
 * 32 bits, factors are below 1/4. */
#ifndef EQ_INT16_THUMB_H
#define EQ_INT16_THUMB_H

#include <stdint.h>

/* How sums become outputs. */
typedef struct {
    const int32_t *bias; /* one per output channel */
    const int32_t *mantissa;
    const int8_t *right; /* 1 and more: by how much the product's high word is shifted */
    int32_t qmin, qmax;
} eq_int16_thumb_outputs;

/* One group. weights: (out_c, kernel_h, kernel_w, in_c). scratch: 16 * kernel_h * kernel_w * in_c bytes. */
typedef struct {
    int32_t batch, in_h, in_w, in_c, out_h, out_w, out_c;
    int32_t kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w;
    int32_t pad_top, pad_left;
    const int8_t *weights;
    eq_int16_thumb_outputs outputs;
} eq_conv2d_int16_thumb_params;

void eq_conv2d_int16_thumb(const eq_conv2d_int16_thumb_params *p, const int16_t *input, int16_t *output, void *scratch);
void eq_conv2d_int16_thumb2(const eq_conv2d_int16_thumb_params *p, const int16_t *input, int16_t *output,
                            void *scratch);

/* One filter per channel; weights: (kernel_h, kernel_w, out_c). */
void eq_depthwise_conv2d_int16_thumb(const eq_conv2d_int16_thumb_params *p, const int16_t *input, int16_t *output);

typedef struct {
    int32_t rows, in_c, out_c;
    const int8_t *weights; /* (out_c, in_c) */
    eq_int16_thumb_outputs outputs;
} eq_fully_connected_int16_thumb_params;

void eq_fully_connected_int16_thumb(const eq_fully_connected_int16_thumb_params *p, const int16_t *input,
                                    int16_t *output);

#endif
