/* The product of two int8 tensors, broadcast against each other. */
#ifndef EQ_MUL_H
#define EQ_MUL_H

#include "eq/broadcast.h"

typedef struct {
    int32_t shape[EQ_MAX_RANK], a_stride[EQ_MAX_RANK], b_stride[EQ_MAX_RANK];
    const int8_t *constant;
    int32_t a_zero_point, b_zero_point;
    int32_t mantissa, shift;
    int32_t zero_point, qmin, qmax;
} eq_mul_params;

/* The output may be an operand of its size. */
void eq_mul_ref_fast(const eq_mul_params *p, const int8_t *a, const int8_t *b, int8_t *output);
void eq_mul_ref_single(const eq_mul_params *p, const int8_t *a, const int8_t *b, int8_t *output);
void eq_mul_ref_double(const eq_mul_params *p, const int8_t *a, const int8_t *b, int8_t *output);
void eq_mul_const_ref_fast(const eq_mul_params *p, const int8_t *a, int8_t *output);
void eq_mul_const_ref_single(const eq_mul_params *p, const int8_t *a, int8_t *output);
void eq_mul_const_ref_double(const eq_mul_params *p, const int8_t *a, int8_t *output);

#endif
