/* Matrix products of int16 tensors, with sums of 64 bits; batch dimensions broadcast. */
#ifndef EQ_MAT_MUL_INT16_H
#define EQ_MAT_MUL_INT16_H

#include "eq/mat_mul.h"

typedef struct {
    int32_t batch[EQ_MAT_MUL_DIMS], a_stride[EQ_MAT_MUL_DIMS], b_stride[EQ_MAT_MUL_DIMS]; /* see mat_mul.h */
    int32_t rows, depth, cols; /* a: rows x depth, b: depth x cols */
    const int16_t *constant;   /* the constant operand of the const_a and const_b kernels */
    int32_t mantissa, shift;
    int32_t qmin, qmax;
} eq_mat_mul_int16_params;

void eq_mat_mul_int16_ref(const eq_mat_mul_int16_params *p, const int16_t *a, const int16_t *b, int16_t *output);
void eq_mat_mul_int16_const_a_ref(const eq_mat_mul_int16_params *p, const int16_t *b, int16_t *output);
void eq_mat_mul_int16_const_b_ref(const eq_mat_mul_int16_params *p, const int16_t *a, int16_t *output);

/* scratch: some columns of b; see eq/mat_mul_int16_tiles.h. */
void eq_mat_mul_int16_mve(const eq_mat_mul_int16_params *p, const int16_t *a, const int16_t *b, int16_t *output,
                          void *scratch);
void eq_mat_mul_int16_const_a_mve(const eq_mat_mul_int16_params *p, const int16_t *b, int16_t *output, void *scratch);
void eq_mat_mul_int16_const_b_mve(const eq_mat_mul_int16_params *p, const int16_t *a, int16_t *output, void *scratch);
void eq_mat_mul_int16_dsp(const eq_mat_mul_int16_params *p, const int16_t *a, const int16_t *b, int16_t *output,
                          void *scratch);
void eq_mat_mul_int16_const_a_dsp(const eq_mat_mul_int16_params *p, const int16_t *b, int16_t *output, void *scratch);
void eq_mat_mul_int16_const_b_dsp(const eq_mat_mul_int16_params *p, const int16_t *a, int16_t *output, void *scratch);
void eq_mat_mul_int16_thumb2(const eq_mat_mul_int16_params *p, const int16_t *a, const int16_t *b, int16_t *output,
                             void *scratch);
void eq_mat_mul_int16_const_a_thumb2(const eq_mat_mul_int16_params *p, const int16_t *b, int16_t *output,
                                     void *scratch);
void eq_mat_mul_int16_const_b_thumb2(const eq_mat_mul_int16_params *p, const int16_t *a, int16_t *output,
                                     void *scratch);
void eq_mat_mul_int16_thumb(const eq_mat_mul_int16_params *p, const int16_t *a, const int16_t *b, int16_t *output,
                            void *scratch);
void eq_mat_mul_int16_const_a_thumb(const eq_mat_mul_int16_params *p, const int16_t *b, int16_t *output, void *scratch);
void eq_mat_mul_int16_const_b_thumb(const eq_mat_mul_int16_params *p, const int16_t *a, int16_t *output, void *scratch);

#endif
