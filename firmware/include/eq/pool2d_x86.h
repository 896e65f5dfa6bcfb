/* 2-D pools of NHWC int8 images with the vectors of x86; there are at least 16 channels. */
#ifndef EQ_POOL2D_X86_H
#define EQ_POOL2D_X86_H

#include "eq/average_pool2d.h"
#include "eq/max_pool2d.h"

/* Halves are rounded away from zero. */
void eq_average_pool2d_avx2(const eq_average_pool2d_params *p, const int8_t *input, int8_t *output);

void eq_max_pool2d_avx2(const eq_max_pool2d_params *p, const int8_t *input, int8_t *output);

#endif
