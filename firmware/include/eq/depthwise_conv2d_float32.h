/* Depthwise 2-D convolution of NHWC float32 images: products are added in the order of the taps. */
#ifndef EQ_DEPTHWISE_CONV2D_FLOAT32_H
#define EQ_DEPTHWISE_CONV2D_FLOAT32_H

#include <stdint.h>

#include "eq/stored.h"

typedef struct {
    int32_t batch, in_h, in_w, in_c, out_h, out_w, out_c; /* out_c is a multiple of in_c */
    int32_t kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w;
    int32_t pad_top, pad_left;
    const float *weights; /* (kernel_h, kernel_w, out_c) */
    const float *bias;    /* or NULL */
    float low, high;      /* of a fused activation */
} eq_depthwise_conv2d_float32_params;

void eq_depthwise_conv2d_float32_ref(const eq_depthwise_conv2d_float32_params *p, const float *input, float *output);

typedef struct {
    eq_depthwise_conv2d_float32_params layer; /* without weights */
    eq_stored weights;                        /* (out_c, kernel_h * kernel_w) */
} eq_depthwise_conv2d_stored_params;

/* The same with stored weights. scratch: all of them as floats. */
void eq_depthwise_conv2d_stored_ref(const eq_depthwise_conv2d_stored_params *p, const float *input, float *output,
                                    void *scratch);

#endif
