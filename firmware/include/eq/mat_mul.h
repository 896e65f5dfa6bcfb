/* Matrix products of int8 tensors, each with its zero-point; batch dimensions broadcast. */
#ifndef EQ_MAT_MUL_H
#define EQ_MAT_MUL_H

#include <stdint.h>

#define EQ_MAT_MUL_DIMS 4

typedef struct {
    /* Batch dimensions, outermost first, and how far apart the operands' matrices lie along them (0: one for all). */
    int32_t batch[EQ_MAT_MUL_DIMS], a_stride[EQ_MAT_MUL_DIMS], b_stride[EQ_MAT_MUL_DIMS];
    int32_t rows, depth, cols; /* a: rows x depth, b: depth x cols */
    int32_t a_zero_point, b_zero_point;
    const int8_t *constant; /* the constant operand of the const_a and const_b kernels */
    int32_t mantissa, shift;
    int32_t zero_point, qmin, qmax;
} eq_mat_mul_params;

/* Where the operands' matrices of a batch begin. */
typedef struct {
    int32_t a, b;
} eq_mat_mul_offsets;

static inline eq_mat_mul_offsets eq_mat_mul_offsets_of(const int32_t *batch, const int32_t *a_stride,
                                                       const int32_t *b_stride, int32_t index)
{
    eq_mat_mul_offsets at = {0, 0};
    for (int32_t d = EQ_MAT_MUL_DIMS - 1; d >= 0; d--) {
        at.a += index % batch[d] * a_stride[d];
        at.b += index % batch[d] * b_stride[d];
        index /= batch[d];
    }
    return at;
}

void eq_mat_mul_ref_fast(const eq_mat_mul_params *p, const int8_t *a, const int8_t *b, int8_t *output);
void eq_mat_mul_ref_single(const eq_mat_mul_params *p, const int8_t *a, const int8_t *b, int8_t *output);
void eq_mat_mul_ref_double(const eq_mat_mul_params *p, const int8_t *a, const int8_t *b, int8_t *output);
void eq_mat_mul_const_a_ref_fast(const eq_mat_mul_params *p, const int8_t *b, int8_t *output);
void eq_mat_mul_const_a_ref_single(const eq_mat_mul_params *p, const int8_t *b, int8_t *output);
void eq_mat_mul_const_a_ref_double(const eq_mat_mul_params *p, const int8_t *b, int8_t *output);
void eq_mat_mul_const_b_ref_fast(const eq_mat_mul_params *p, const int8_t *a, int8_t *output);
void eq_mat_mul_const_b_ref_single(const eq_mat_mul_params *p, const int8_t *a, int8_t *output);
void eq_mat_mul_const_b_ref_double(const eq_mat_mul_params *p, const int8_t *a, int8_t *output);

/* scratch: four columns of b; see eq/mat_mul_tiles.h. */
void eq_mat_mul_mve_fast(const eq_mat_mul_params *p, const int8_t *a, const int8_t *b, int8_t *output, void *scratch);
void eq_mat_mul_const_a_mve_fast(const eq_mat_mul_params *p, const int8_t *b, int8_t *output, void *scratch);
void eq_mat_mul_const_b_mve_fast(const eq_mat_mul_params *p, const int8_t *a, int8_t *output, void *scratch);
void eq_mat_mul_mve_single(const eq_mat_mul_params *p, const int8_t *a, const int8_t *b, int8_t *output, void *scratch);
void eq_mat_mul_const_a_mve_single(const eq_mat_mul_params *p, const int8_t *b, int8_t *output, void *scratch);
void eq_mat_mul_const_b_mve_single(const eq_mat_mul_params *p, const int8_t *a, int8_t *output, void *scratch);
void eq_mat_mul_mve_double(const eq_mat_mul_params *p, const int8_t *a, const int8_t *b, int8_t *output, void *scratch);
void eq_mat_mul_const_a_mve_double(const eq_mat_mul_params *p, const int8_t *b, int8_t *output, void *scratch);
void eq_mat_mul_const_b_mve_double(const eq_mat_mul_params *p, const int8_t *a, int8_t *output, void *scratch);
void eq_mat_mul_dsp_fast(const eq_mat_mul_params *p, const int8_t *a, const int8_t *b, int8_t *output, void *scratch);
void eq_mat_mul_const_a_dsp_fast(const eq_mat_mul_params *p, const int8_t *b, int8_t *output, void *scratch);
void eq_mat_mul_const_b_dsp_fast(const eq_mat_mul_params *p, const int8_t *a, int8_t *output, void *scratch);
void eq_mat_mul_dsp_single(const eq_mat_mul_params *p, const int8_t *a, const int8_t *b, int8_t *output, void *scratch);
void eq_mat_mul_const_a_dsp_single(const eq_mat_mul_params *p, const int8_t *b, int8_t *output, void *scratch);
void eq_mat_mul_const_b_dsp_single(const eq_mat_mul_params *p, const int8_t *a, int8_t *output, void *scratch);
void eq_mat_mul_dsp_double(const eq_mat_mul_params *p, const int8_t *a, const int8_t *b, int8_t *output, void *scratch);
void eq_mat_mul_const_a_dsp_double(const eq_mat_mul_params *p, const int8_t *b, int8_t *output, void *scratch);
void eq_mat_mul_const_b_dsp_double(const eq_mat_mul_params *p, const int8_t *a, int8_t *output, void *scratch);
void eq_mat_mul_thumb_fast(const eq_mat_mul_params *p, const int8_t *a, const int8_t *b, int8_t *output, void *scratch);
void eq_mat_mul_const_a_thumb_fast(const eq_mat_mul_params *p, const int8_t *b, int8_t *output, void *scratch);
void eq_mat_mul_const_b_thumb_fast(const eq_mat_mul_params *p, const int8_t *a, int8_t *output, void *scratch);
void eq_mat_mul_thumb_single(const eq_mat_mul_params *p, const int8_t *a, const int8_t *b, int8_t *output,
                             void *scratch);
void eq_mat_mul_const_a_thumb_single(const eq_mat_mul_params *p, const int8_t *b, int8_t *output, void *scratch);
void eq_mat_mul_const_b_thumb_single(const eq_mat_mul_params *p, const int8_t *a, int8_t *output, void *scratch);
void eq_mat_mul_thumb_double(const eq_mat_mul_params *p, const int8_t *a, const int8_t *b, int8_t *output,
                             void *scratch);
void eq_mat_mul_const_a_thumb_double(const eq_mat_mul_params *p, const int8_t *b, int8_t *output, void *scratch);
void eq_mat_mul_const_b_thumb_double(const eq_mat_mul_params *p, const int8_t *a, int8_t *output, void *scratch);

#endif
