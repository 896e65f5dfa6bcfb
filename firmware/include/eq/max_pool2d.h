/* 2-D max pooling of NHWC int8 images. */
#ifndef EQ_MAX_POOL2D_H
#define EQ_MAX_POOL2D_H

#include <stdint.h>

typedef struct {
    int32_t batch, in_h, in_w, in_c, out_h, out_w, out_c; /* out_c is in_c */
    int32_t kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w;
    int32_t pad_top, pad_left; /* padding takes no part in a maximum */
    int32_t qmin, qmax;
} eq_max_pool2d_params;

void eq_max_pool2d_ref(const eq_max_pool2d_params *p, const int8_t *input, int8_t *output);

#endif
