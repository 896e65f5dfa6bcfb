/* The rectifier with learned slopes: x, or slope · x below zero. */
#ifndef EQ_P_RELU_H
#define EQ_P_RELU_H

#include "eq/broadcast.h"

typedef struct {
    int32_t shape[EQ_MAX_RANK], a_stride[EQ_MAX_RANK], b_stride[EQ_MAX_RANK]; /* a: input, b: slopes */
    const int8_t *constant;
    int32_t a_zero_point, b_zero_point;
    int32_t above_mantissa, above_shift; /* input's scale to output's */
    int32_t below_mantissa, below_shift; /* product of input's and slopes' scale to output's */
    int32_t zero_point;
} eq_p_relu_params;

/* The output may be an operand of its size. */
void eq_p_relu_ref_fast(const eq_p_relu_params *p, const int8_t *a, const int8_t *b, int8_t *output);
void eq_p_relu_ref_single(const eq_p_relu_params *p, const int8_t *a, const int8_t *b, int8_t *output);
void eq_p_relu_ref_double(const eq_p_relu_params *p, const int8_t *a, const int8_t *b, int8_t *output);
void eq_p_relu_const_ref_fast(const eq_p_relu_params *p, const int8_t *a, int8_t *output);
void eq_p_relu_const_ref_single(const eq_p_relu_params *p, const int8_t *a, int8_t *output);
void eq_p_relu_const_ref_double(const eq_p_relu_params *p, const int8_t *a, int8_t *output);

#endif
