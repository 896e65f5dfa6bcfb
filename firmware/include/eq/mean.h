/* Mean over arbitrary dimensions; the multiplier holds the division by the number of elements. */
#ifndef EQ_MEAN_H
#define EQ_MEAN_H

#include "eq/reduce.h"

void eq_mean_ref_fast(const eq_reduce_params *p, const int8_t *input, int8_t *output);
void eq_mean_ref_single(const eq_reduce_params *p, const int8_t *input, int8_t *output);
void eq_mean_ref_double(const eq_reduce_params *p, const int8_t *input, int8_t *output);

/* Of int16 elements, whose sums have 64 bits. */
void eq_mean_int16_ref(const eq_reduce_params *p, const int16_t *input, int16_t *output);
/* The same with sums of 32 bits, rounded twice. */
void eq_mean_int16_ref_double(const eq_reduce_params *p, const int16_t *input, int16_t *output);

#endif
