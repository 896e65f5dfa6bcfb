/* Matrix products of float32 values: products are added one after the other. */
#ifndef EQ_MAT_MUL_FLOAT32_H
#define EQ_MAT_MUL_FLOAT32_H

#include <stdint.h>

typedef struct {
    int32_t batch[4], a_stride[4], b_stride[4]; /* numbers between neighbouring matrices, 0: one serves all */
    int32_t rows, depth, cols;
    const float *constant; /* of the variants with a constant operand */
} eq_mat_mul_float32_params;

void eq_mat_mul_float32_ref(const eq_mat_mul_float32_params *p, const float *a, const float *b, float *output);
void eq_mat_mul_float32_const_a_ref(const eq_mat_mul_float32_params *p, const float *b, float *output);
void eq_mat_mul_float32_const_b_ref(const eq_mat_mul_float32_params *p, const float *a, float *output);

#endif
