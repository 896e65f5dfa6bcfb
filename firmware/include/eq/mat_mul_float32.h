/* Matrix products of float32 values: products are added one after the other. */
#ifndef EQ_MAT_MUL_FLOAT32_H
#define EQ_MAT_MUL_FLOAT32_H

#include <stdint.h>

#include "eq/stored.h"

typedef struct {
    int32_t batch[4], a_stride[4], b_stride[4]; /* numbers between neighbouring matrices, 0: one serves all */
    int32_t rows, depth, cols;
    const float *constant; /* of the variants with a constant operand */
} eq_mat_mul_float32_params;

void eq_mat_mul_float32_ref(const eq_mat_mul_float32_params *p, const float *a, const float *b, float *output);
void eq_mat_mul_float32_const_a_ref(const eq_mat_mul_float32_params *p, const float *b, float *output);
void eq_mat_mul_float32_const_b_ref(const eq_mat_mul_float32_params *p, const float *a, float *output);

typedef struct {
    eq_mat_mul_float32_params layer; /* without the constant */
    eq_stored constant; /* a row of a, or a column of b, of every matrix: (rows or cols, matrices * depth) */
} eq_mat_mul_stored_params;

/* The same with a stored constant, of which four rows or columns are widened at once.
 * scratch: four floats for each product of a sum. */
void eq_mat_mul_stored_const_a_ref(const eq_mat_mul_stored_params *p, const float *b, float *output, void *scratch);
void eq_mat_mul_stored_const_b_ref(const eq_mat_mul_stored_params *p, const float *a, float *output, void *scratch);

/* The same as integers of 8 bits: eq/mat_mul_dynamic.h, with what the constant is there. The order of its rows: matrix
 * by matrix, (matrices * (rows or cols), depth). */
void eq_mat_mul_dynamic_ref(const eq_mat_mul_stored_params *p, const float *a, const float *b, float *output,
                            void *scratch);
void eq_mat_mul_dynamic_const_a_ref(const eq_mat_mul_stored_params *p, const float *b, float *output, void *scratch);
void eq_mat_mul_dynamic_const_b_ref(const eq_mat_mul_stored_params *p, const float *a, float *output, void *scratch);

#endif
