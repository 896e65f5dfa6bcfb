/* The quotient of two int8 tensors, broadcast against each other. */
#ifndef EQ_DIV_H
#define EQ_DIV_H

#include "eq/broadcast.h"

typedef struct {
    int32_t shape[EQ_MAX_RANK], a_stride[EQ_MAX_RANK], b_stride[EQ_MAX_RANK];
    const int8_t *constant;
    int32_t swapped; /* 1: b is divided by a */
    int32_t a_zero_point, b_zero_point;
    int32_t mantissa,
        shift; /* ratio of scales. _fast: mantissa / 2^shift, shift in 1..54; _double: as eq_multiply has it */
    int32_t zero_point, qmin, qmax;
} eq_div_params;

/* _fast divides and rounds halves up; _double is LiteRT's multiplication by a reciprocal. Division by zero saturates
 * with the numerator's sign; 0 / 0 is 0. The output may be an operand of its size. */
void eq_div_ref_fast(const eq_div_params *p, const int8_t *a, const int8_t *b, int8_t *output);
void eq_div_const_ref_fast(const eq_div_params *p, const int8_t *a, int8_t *output);
void eq_div_ref_double(const eq_div_params *p, const int8_t *a, const int8_t *b, int8_t *output);
void eq_div_const_ref_double(const eq_div_params *p, const int8_t *a, int8_t *output);

#endif
