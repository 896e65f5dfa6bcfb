/* Products of two operands, element by element, with the vectors of x86. */
#ifndef EQ_MUL_X86_H
#define EQ_MUL_X86_H

#include "eq/broadcast.h"

typedef struct {
    int32_t shape[EQ_MAX_RANK], a_stride[EQ_MAX_RANK], b_stride[EQ_MAX_RANK];
    const int8_t *constant;
    int32_t a_zero_point, b_zero_point;
    int32_t bias;              /* added to products */
    int32_t multiplier, shift; /* as in eq_conv2d_x86_params */
    int32_t zero_point, qmin, qmax;
} eq_mul_x86_params;

/* Along the last dimension each operand is contiguous, or one element. The output may be an operand of its size. */
void eq_mul_avx2_fast(const eq_mul_x86_params *p, const int8_t *a, const int8_t *b, int8_t *output);
void eq_mul_const_avx2_fast(const eq_mul_x86_params *p, const int8_t *a, int8_t *output);
void eq_mul_avx2_single(const eq_mul_x86_params *p, const int8_t *a, const int8_t *b, int8_t *output);
void eq_mul_const_avx2_single(const eq_mul_x86_params *p, const int8_t *a, int8_t *output);
void eq_mul_avx2_double(const eq_mul_x86_params *p, const int8_t *a, const int8_t *b, int8_t *output);
void eq_mul_const_avx2_double(const eq_mul_x86_params *p, const int8_t *a, int8_t *output);
void eq_mul_avx2_nearest(const eq_mul_x86_params *p, const int8_t *a, const int8_t *b, int8_t *output);
void eq_mul_const_avx2_nearest(const eq_mul_x86_params *p, const int8_t *a, int8_t *output);
void eq_mul_avx2_away(const eq_mul_x86_params *p, const int8_t *a, const int8_t *b, int8_t *output);
void eq_mul_const_avx2_away(const eq_mul_x86_params *p, const int8_t *a, int8_t *output);

#endif
