/* 2-D max pooling of NHWC int8 images on Helium. */
#ifndef EQ_MAX_POOL2D_MVE_H
#define EQ_MAX_POOL2D_MVE_H

#include "eq/max_pool2d.h"

void eq_max_pool2d_mve(const eq_max_pool2d_params *p, const int8_t *input, int8_t *output);

#endif
