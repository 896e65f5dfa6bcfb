/* Sums and differences with the vectors of x86. */
#ifndef EQ_ADD_X86_H
#define EQ_ADD_X86_H

#include "eq/add.h"

/* round(b · b_factor + (a · a_factor + offset)) in float, each sum rounded once, halves to even. */
typedef struct {
    int32_t shape[EQ_MAX_RANK], a_stride[EQ_MAX_RANK], b_stride[EQ_MAX_RANK];
    const int8_t *constant;
    float a_factor, b_factor, offset; /* zero-points folded in; factors between 2^-16 and 2^7 in magnitude */
    int32_t qmin, qmax;
} eq_add_nearest_params;

/* Both operands are contiguous along the last dimension. The output may be an operand of its size. */
void eq_add_avx2_fast(const eq_add_fast_params *p, const int8_t *a, const int8_t *b, int8_t *output);
void eq_add_const_avx2_fast(const eq_add_fast_params *p, const int8_t *a, int8_t *output);

/* No shift is positive. */
void eq_add_avx2_double(const eq_add_double_params *p, const int8_t *a, const int8_t *b, int8_t *output);
void eq_add_const_avx2_double(const eq_add_double_params *p, const int8_t *a, int8_t *output);

void eq_add_avx2_nearest(const eq_add_nearest_params *p, const int8_t *a, const int8_t *b, int8_t *output);
void eq_add_const_avx2_nearest(const eq_add_nearest_params *p, const int8_t *a, int8_t *output);

#endif
