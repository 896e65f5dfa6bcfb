/* Sums and differences of two int8 tensors, broadcast against each other. */
#ifndef EQ_ADD_H
#define EQ_ADD_H

#include "eq/broadcast.h"

/* One accumulator: (a · a_factor + b · b_factor + offset) >> right_shift. */
typedef struct {
    int32_t shape[EQ_MAX_RANK], a_stride[EQ_MAX_RANK], b_stride[EQ_MAX_RANK];
    const int8_t *constant;
    int32_t a_factor, b_factor; /* fit 16 bits */
    int32_t offset;             /* zero-points and rounding */
    int32_t right_shift;
    int32_t qmin, qmax;
} eq_add_fast_params;

/* TensorFlow Lite's way: both operands are brought to one scale, added, and brought to the output's. */
typedef struct {
    int32_t shape[EQ_MAX_RANK], a_stride[EQ_MAX_RANK], b_stride[EQ_MAX_RANK];
    const int8_t *constant;
    int32_t a_zero_point, a_sign, a_mantissa, a_shift;
    int32_t b_zero_point, b_sign, b_mantissa, b_shift;
    int32_t mantissa, shift;
    int32_t zero_point, qmin, qmax;
} eq_add_double_params;

/* The output may be an operand of its size. */
void eq_add_ref_fast(const eq_add_fast_params *p, const int8_t *a, const int8_t *b, int8_t *output);
void eq_add_const_ref_fast(const eq_add_fast_params *p, const int8_t *a, int8_t *output);
void eq_add_ref_double(const eq_add_double_params *p, const int8_t *a, const int8_t *b, int8_t *output);
void eq_add_const_ref_double(const eq_add_double_params *p, const int8_t *a, int8_t *output);

#endif
