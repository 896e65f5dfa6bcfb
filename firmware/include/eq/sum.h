/* Sum over arbitrary dimensions. */
#ifndef EQ_SUM_H
#define EQ_SUM_H

#include "eq/reduce.h"

void eq_sum_ref_fast(const eq_reduce_params *p, const int8_t *input, int8_t *output);
void eq_sum_ref_single(const eq_reduce_params *p, const int8_t *input, int8_t *output);
void eq_sum_ref_double(const eq_reduce_params *p, const int8_t *input, int8_t *output);

#endif
