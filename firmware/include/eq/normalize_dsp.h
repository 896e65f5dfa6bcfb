/* Normalization with the DSP instructions of Armv7E-M and Armv8-M. */
#ifndef EQ_NORMALIZE_DSP_H
#define EQ_NORMALIZE_DSP_H

#include "eq/normalize.h"

/* The output may be the input. `inner` is at least 4. */
void eq_normalize_dsp(const eq_normalize_params *p, const int8_t *input, int8_t *output);

#endif
