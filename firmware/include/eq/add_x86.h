/* Sums and differences with the vectors of x86. */
#ifndef EQ_ADD_X86_H
#define EQ_ADD_X86_H

#include "eq/add.h"

/* Both operands are contiguous along the last dimension. The output may be an operand of its size. */
void eq_add_avx2_fast(const eq_add_fast_params *p, const int8_t *a, const int8_t *b, int8_t *output);
void eq_add_const_avx2_fast(const eq_add_fast_params *p, const int8_t *a, int8_t *output);

/* No shift is positive. */
void eq_add_avx2_double(const eq_add_double_params *p, const int8_t *a, const int8_t *b, int8_t *output);
void eq_add_const_avx2_double(const eq_add_double_params *p, const int8_t *a, int8_t *output);

#endif
