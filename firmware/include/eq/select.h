/* A choice between two tensors, broadcast against each other and against the condition. */
#ifndef EQ_SELECT_H
#define EQ_SELECT_H

#include "eq/broadcast.h"

typedef struct {
    int32_t shape[EQ_MAX_RANK]; /* of the output; leading dimensions may be 1 */
    int32_t condition_stride[EQ_MAX_RANK], a_stride[EQ_MAX_RANK], b_stride[EQ_MAX_RANK];
    const int8_t *condition, *a, *b; /* constant operands; NULL: computed ones, in this order, are the inputs */
    int32_t no;                      /* the condition where b is chosen */
    int32_t a_zero_point, a_mantissa, a_shift;
    int32_t b_zero_point, b_mantissa, b_shift;
    int32_t zero_point;
} eq_select_params;

typedef struct {
    int32_t shape[EQ_MAX_RANK];
    int32_t condition_stride[EQ_MAX_RANK], a_stride[EQ_MAX_RANK], b_stride[EQ_MAX_RANK];
    const int16_t *condition, *a, *b;
    int32_t a_mantissa, a_shift;
    int32_t b_mantissa, b_shift;
} eq_select_int16_params;

typedef struct {
    int32_t shape[EQ_MAX_RANK];
    int32_t condition_stride[EQ_MAX_RANK], a_stride[EQ_MAX_RANK], b_stride[EQ_MAX_RANK];
    const float *condition, *a, *b;
} eq_select_float32_params;

/* The output may be an operand of its size. */
void eq_select_ref_fast(const eq_select_params *p, const int8_t *const *inputs, int8_t *output);
void eq_select_ref_single(const eq_select_params *p, const int8_t *const *inputs, int8_t *output);
void eq_select_ref_double(const eq_select_params *p, const int8_t *const *inputs, int8_t *output);
void eq_select_int16_ref(const eq_select_int16_params *p, const int16_t *const *inputs, int16_t *output);
void eq_select_float32_ref(const eq_select_float32_params *p, const float *const *inputs, float *output);

#endif
