/* Comparisons of two int8 tensors, broadcast against each other. */
#ifndef EQ_COMPARE_H
#define EQ_COMPARE_H

#include "eq/broadcast.h"

/* Both operands, made finer, are brought to one scale and compared. */
typedef struct {
    int32_t shape[EQ_MAX_RANK], a_stride[EQ_MAX_RANK], b_stride[EQ_MAX_RANK];
    const int8_t *constant;
    int32_t a_zero_point, a_mantissa, a_shift;
    int32_t b_zero_point, b_mantissa, b_shift;
    int32_t finer;                /* a power of two */
    int32_t less, equal, greater; /* the result where a < b, a = b, a > b */
} eq_compare_params;

/* The output may be an operand of its size. */
void eq_compare_ref_fast(const eq_compare_params *p, const int8_t *a, const int8_t *b, int8_t *output);
void eq_compare_ref_single(const eq_compare_params *p, const int8_t *a, const int8_t *b, int8_t *output);
void eq_compare_ref_double(const eq_compare_params *p, const int8_t *a, const int8_t *b, int8_t *output);
void eq_compare_const_ref_fast(const eq_compare_params *p, const int8_t *a, int8_t *output);
void eq_compare_const_ref_single(const eq_compare_params *p, const int8_t *a, int8_t *output);
void eq_compare_const_ref_double(const eq_compare_params *p, const int8_t *a, int8_t *output);

#endif
