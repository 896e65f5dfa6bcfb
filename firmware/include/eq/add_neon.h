/* Sums and differences with Arm's vectors. */
#ifndef EQ_ADD_NEON_H
#define EQ_ADD_NEON_H

#include "eq/add.h"

/* Both operands are contiguous along the last dimension. The output may be an operand of its size. Sums of products and
 * offset are below 2^25, and right_shift is at least 10. */
void eq_add_neon_fast(const eq_add_fast_params *p, const int8_t *a, const int8_t *b, int8_t *output);
void eq_add_const_neon_fast(const eq_add_fast_params *p, const int8_t *a, int8_t *output);

/* No shift is positive. */
void eq_add_neon_double(const eq_add_double_params *p, const int8_t *a, const int8_t *b, int8_t *output);
void eq_add_const_neon_double(const eq_add_double_params *p, const int8_t *a, int8_t *output);

#endif
