/* 2-D pooling of NHWC float32 images. */
#ifndef EQ_POOL2D_FLOAT32_H
#define EQ_POOL2D_FLOAT32_H

#include <stdint.h>

typedef struct {
    int32_t batch, in_h, in_w, in_c, out_h, out_w, out_c; /* out_c is in_c */
    int32_t kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w;
    int32_t pad_top, pad_left;
    int32_t count_pad; /* of averages: whether padding counts, as zeros */
    float low, high;   /* of a fused activation */
} eq_pool2d_float32_params;

/* Elements are added in the order of the taps, then divided by their number. */
void eq_average_pool2d_float32_ref(const eq_pool2d_float32_params *p, const float *input, float *output);
/* What is not a number does not count, and minus infinity is finite. */
void eq_max_pool2d_float32_ref(const eq_pool2d_float32_params *p, const float *input, float *output);

#endif
