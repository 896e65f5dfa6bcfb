/* 2-D average pooling of NHWC int8 images on Helium. */
#ifndef EQ_AVERAGE_POOL2D_MVE_H
#define EQ_AVERAGE_POOL2D_MVE_H

#include "eq/average_pool2d.h"

void eq_average_pool2d_mve(const eq_average_pool2d_params *p, const int8_t *input, int8_t *output);

#endif
