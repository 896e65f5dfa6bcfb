/* Normalization with Helium. */
#ifndef EQ_NORMALIZE_MVE_H
#define EQ_NORMALIZE_MVE_H

#include "eq/normalize.h"

/* The output may be the input. */
void eq_normalize_mve(const eq_normalize_params *p, const int8_t *input, int8_t *output);

#endif
