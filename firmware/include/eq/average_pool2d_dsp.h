/* 2-D average pooling with the DSP instructions of Armv7E-M and Armv8-M. */
#ifndef EQ_AVERAGE_POOL2D_DSP_H
#define EQ_AVERAGE_POOL2D_DSP_H

#include "eq/average_pool2d.h"

/* At least four channels; windows of at most 256 elements. */
void eq_average_pool2d_dsp(const eq_average_pool2d_params *p, const int8_t *input, int8_t *output);

#endif
