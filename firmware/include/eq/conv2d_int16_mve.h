/* 2-D convolution of NHWC int16 images with weights of bytes on Helium, fully connected layers, and depthwise
 * convolutions. Sums fit 32 bits, factors are below 1/4. */
#ifndef EQ_CONV2D_INT16_MVE_H
#define EQ_CONV2D_INT16_MVE_H

#include "eq/conv2d_mve.h"

/* in_c is twice the channels, pad_value and zero_point are 0. Channels are in order. Weights: per two channels, per 8
 * taps (of the order row, column, channel) 8 of each. Arrays are filled up with zeros to a multiple of 4. `shift` is of
 * the product's high word. */

/* scratch: three windows, each filled up to a multiple of 16 bytes. */
void eq_conv2d_int16_mve(const eq_conv2d_mve_params *p, const int16_t *input, int16_t *output, void *scratch);

/* 1x1, no padding. */
void eq_conv2d_1x1_int16_mve(const eq_conv2d_mve_params *p, const int16_t *input, int16_t *output);

typedef struct {
    int32_t rows, in_c, out_c;
    const int8_t *weights; /* per six channels, per 8 inputs: 8 of each */
    const int32_t *bias;   /* filled up with zeros to a multiple of 6, the others of 4 */
    const int32_t *multiplier, *shift;
    int32_t qmin, qmax;
} eq_fully_connected_int16_mve_params;

void eq_fully_connected_int16_mve(const eq_fully_connected_int16_mve_params *p, const int16_t *input, int16_t *output);

/* One output channel per input channel. Channels are in blocks of 8, of which the last is filled up. */
typedef struct {
    int32_t batch, in_h, in_w, in_c, out_h, out_w;
    int32_t kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w;
    int32_t pad_top, pad_left;
    const int8_t *weights; /* (blocks, kernel_h, kernel_w, 8) */
    const int32_t *bias;   /* of a block first those of even channels, then those of odd ones */
    const int32_t *multiplier, *shift;
    int32_t qmin, qmax;
} eq_depthwise_conv2d_int16_mve_params;

void eq_depthwise_conv2d_int16_mve(const eq_depthwise_conv2d_int16_mve_params *p, const int16_t *input,
                                   int16_t *output);

#endif
