/* The rectifier with learned slopes of int16 elements. */
#ifndef EQ_P_RELU_INT16_H
#define EQ_P_RELU_INT16_H

#include "eq/broadcast.h"

typedef struct {
    int32_t shape[EQ_MAX_RANK], a_stride[EQ_MAX_RANK], b_stride[EQ_MAX_RANK]; /* a: input, b: slopes */
    const int16_t *constant;
    int32_t above_mantissa, above_shift; /* input's scale to output's */
    int32_t below_mantissa, below_shift; /* product of input's and slopes' scale to output's */
} eq_p_relu_int16_params;

/* The output may be an operand of its size. _double: rounded twice. */
void eq_p_relu_int16_ref(const eq_p_relu_int16_params *p, const int16_t *a, const int16_t *b, int16_t *output);
void eq_p_relu_int16_const_ref(const eq_p_relu_int16_params *p, const int16_t *a, int16_t *output);
void eq_p_relu_int16_ref_double(const eq_p_relu_int16_params *p, const int16_t *a, const int16_t *b, int16_t *output);
void eq_p_relu_int16_const_ref_double(const eq_p_relu_int16_params *p, const int16_t *a, int16_t *output);

#endif
