/* 2-D average pooling of NHWC int8 images. */
#ifndef EQ_AVERAGE_POOL2D_H
#define EQ_AVERAGE_POOL2D_H

#include <stdint.h>

typedef struct {
    int32_t batch, in_h, in_w, in_c, out_h, out_w, out_c; /* out_c is in_c */
    int32_t kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w;
    int32_t pad_top, pad_left;
    int32_t count_pad; /* whether padding counts, as pad_value */
    int32_t pad_value; /* the input's zero-point */
    int32_t qmin, qmax;
    int32_t halves_up; /* halves are rounded 0: away from zero, 1: up */
} eq_average_pool2d_params;

void eq_average_pool2d_ref(const eq_average_pool2d_params *p, const int8_t *input, int8_t *output);

#endif
