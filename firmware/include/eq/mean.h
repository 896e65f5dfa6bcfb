/* Mean over arbitrary dimensions; the multiplier holds the division by the number of elements. */
#ifndef EQ_MEAN_H
#define EQ_MEAN_H

#include "eq/reduce.h"

void eq_mean_ref_fast(const eq_reduce_params *p, const int8_t *input, int8_t *output);
void eq_mean_ref_single(const eq_reduce_params *p, const int8_t *input, int8_t *output);
void eq_mean_ref_double(const eq_reduce_params *p, const int8_t *input, int8_t *output);

#endif
