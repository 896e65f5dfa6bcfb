/* Arithmetic of two float32 tensors, broadcast against each other, each operation rounded by itself. */
#ifndef EQ_PAIR_FLOAT32_H
#define EQ_PAIR_FLOAT32_H

#include "eq/broadcast.h"

typedef struct {
    int32_t shape[EQ_MAX_RANK], a_stride[EQ_MAX_RANK], b_stride[EQ_MAX_RANK];
    const float *constant;
    int32_t swapped; /* operand b is the first one */
    float low, high; /* of a fused activation */
} eq_pair_float32_params;

/* The output may be an operand of its size. */
void eq_add_ref_float32(const eq_pair_float32_params *p, const float *a, const float *b, float *output);
void eq_add_const_ref_float32(const eq_pair_float32_params *p, const float *a, float *output);
void eq_sub_ref_float32(const eq_pair_float32_params *p, const float *a, const float *b, float *output);
void eq_sub_const_ref_float32(const eq_pair_float32_params *p, const float *a, float *output);
void eq_mul_ref_float32(const eq_pair_float32_params *p, const float *a, const float *b, float *output);
void eq_mul_const_ref_float32(const eq_pair_float32_params *p, const float *a, float *output);
void eq_div_ref_float32(const eq_pair_float32_params *p, const float *a, const float *b, float *output);
void eq_div_const_ref_float32(const eq_pair_float32_params *p, const float *a, float *output);
void eq_maximum_ref_float32(const eq_pair_float32_params *p, const float *a, const float *b, float *output);
void eq_maximum_const_ref_float32(const eq_pair_float32_params *p, const float *a, float *output);
void eq_minimum_ref_float32(const eq_pair_float32_params *p, const float *a, const float *b, float *output);
void eq_minimum_const_ref_float32(const eq_pair_float32_params *p, const float *a, float *output);
void eq_p_relu_float32_ref(const eq_pair_float32_params *p, const float *a, const float *b, float *output);
void eq_p_relu_float32_const_ref(const eq_pair_float32_params *p, const float *a, float *output);
void eq_less_ref_float32(const eq_pair_float32_params *p, const float *a, const float *b, float *output);
void eq_less_const_ref_float32(const eq_pair_float32_params *p, const float *a, float *output);
void eq_less_equal_ref_float32(const eq_pair_float32_params *p, const float *a, const float *b, float *output);
void eq_less_equal_const_ref_float32(const eq_pair_float32_params *p, const float *a, float *output);
void eq_equal_ref_float32(const eq_pair_float32_params *p, const float *a, const float *b, float *output);
void eq_equal_const_ref_float32(const eq_pair_float32_params *p, const float *a, float *output);
void eq_not_equal_ref_float32(const eq_pair_float32_params *p, const float *a, const float *b, float *output);
void eq_not_equal_const_ref_float32(const eq_pair_float32_params *p, const float *a, float *output);
void eq_greater_ref_float32(const eq_pair_float32_params *p, const float *a, const float *b, float *output);
void eq_greater_const_ref_float32(const eq_pair_float32_params *p, const float *a, float *output);
void eq_greater_equal_ref_float32(const eq_pair_float32_params *p, const float *a, const float *b, float *output);
void eq_greater_equal_const_ref_float32(const eq_pair_float32_params *p, const float *a, float *output);
void eq_squared_difference_float32_ref(const eq_pair_float32_params *p, const float *a, const float *b, float *output);
void eq_squared_difference_float32_const_ref(const eq_pair_float32_params *p, const float *a, float *output);

#endif
