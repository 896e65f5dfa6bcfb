/* 2-D max pooling with the DSP instructions of Armv7E-M and Armv8-M. */
#ifndef EQ_MAX_POOL2D_DSP_H
#define EQ_MAX_POOL2D_DSP_H

#include "eq/max_pool2d.h"

/* At least four channels. */
void eq_max_pool2d_dsp(const eq_max_pool2d_params *p, const int8_t *input, int8_t *output);

#endif
