/* 2-D convolution of NHWC float32 images: products are added one after the other, in the order of the weights. */
#ifndef EQ_CONV2D_FLOAT32_H
#define EQ_CONV2D_FLOAT32_H

#include <stdint.h>

#include "eq/stored.h"

typedef struct {
    int32_t batch, in_h, in_w, in_c, out_h, out_w, out_c;
    int32_t kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w;
    int32_t pad_top, pad_left;
    int32_t groups;
    const float *weights; /* (groups, fours of a group's output channels, kernel_h, kernel_w, in_c / groups, 4): zeros
                             where there are no four */
    const float *bias;    /* or NULL */
    float low, high;      /* of a fused activation */
} eq_conv2d_float32_params;

void eq_conv2d_float32_ref(const eq_conv2d_float32_params *p, const float *input, float *output);

/* Transposed: an input pixel adds its products to the output a stride apart, and padding is cropped. */
void eq_conv_transpose2d_float32_ref(const eq_conv2d_float32_params *p, const float *input, float *output);

typedef struct {
    eq_conv2d_float32_params layer; /* without weights */
    eq_stored weights;              /* (out_c, kernel_h * kernel_w * in_c / groups) */
    int32_t at_once;                /* pixels for which weights are widened once */
} eq_conv2d_stored_params;

/* The same with stored weights. Four output channels are computed for `at_once` pixels of an image, then the next four.
 * scratch: four floats for each weight of an output channel. */
void eq_conv2d_stored_ref(const eq_conv2d_stored_params *p, const float *input, float *output, void *scratch);
void eq_conv_transpose2d_stored_ref(const eq_conv2d_stored_params *p, const float *input, float *output, void *scratch);

#endif
