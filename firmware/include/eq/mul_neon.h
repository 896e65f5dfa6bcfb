/* Products with Arm's vectors. */
#ifndef EQ_MUL_NEON_H
#define EQ_MUL_NEON_H

#include "eq/mul.h"

/* Along the last dimension operands are contiguous or one element; the factor is below 1, with _single and _double
 * below 1/2. The output may be an operand of its size. */
void eq_mul_neon_fast(const eq_mul_params *p, const int8_t *a, const int8_t *b, int8_t *output);
void eq_mul_neon_single(const eq_mul_params *p, const int8_t *a, const int8_t *b, int8_t *output);
void eq_mul_neon_double(const eq_mul_params *p, const int8_t *a, const int8_t *b, int8_t *output);
void eq_mul_const_neon_fast(const eq_mul_params *p, const int8_t *a, int8_t *output);
void eq_mul_const_neon_single(const eq_mul_params *p, const int8_t *a, int8_t *output);
void eq_mul_const_neon_double(const eq_mul_params *p, const int8_t *a, int8_t *output);

#endif
