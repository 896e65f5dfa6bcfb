/* Matrix products of int8 tensors with the vectors of x86. */
#ifndef EQ_MAT_MUL_X86_H
#define EQ_MAT_MUL_X86_H

#include "eq/mat_mul.h"

#define EQ_MAT_MUL_ROWS 48 /* of a that are multiplied by all of b together */

/* scratch, for depth filled up to whole steps of 4 (AVX2: of 2) and cols up to whole vectors of 8 (AVX-512: of 16):
 * three int32 for each of the columns, one for each step and each of EQ_MAT_MUL_ROWS rows, depth * cols bytes, and 16
 * more activations than these rows have, each of 1 byte, with AVX2 of 2. */
void eq_mat_mul_avx2_fast(const eq_mat_mul_params *p, const int8_t *a, const int8_t *b, int8_t *output, void *scratch);
void eq_mat_mul_avx2_single(const eq_mat_mul_params *p, const int8_t *a, const int8_t *b, int8_t *output,
                            void *scratch);
void eq_mat_mul_avx2_double(const eq_mat_mul_params *p, const int8_t *a, const int8_t *b, int8_t *output,
                            void *scratch);
void eq_mat_mul_const_a_avx2_fast(const eq_mat_mul_params *p, const int8_t *b, int8_t *output, void *scratch);
void eq_mat_mul_const_a_avx2_single(const eq_mat_mul_params *p, const int8_t *b, int8_t *output, void *scratch);
void eq_mat_mul_const_a_avx2_double(const eq_mat_mul_params *p, const int8_t *b, int8_t *output, void *scratch);
void eq_mat_mul_const_b_avx2_fast(const eq_mat_mul_params *p, const int8_t *a, int8_t *output, void *scratch);
void eq_mat_mul_const_b_avx2_single(const eq_mat_mul_params *p, const int8_t *a, int8_t *output, void *scratch);
void eq_mat_mul_const_b_avx2_double(const eq_mat_mul_params *p, const int8_t *a, int8_t *output, void *scratch);

void eq_mat_mul_avx_vnni_fast(const eq_mat_mul_params *p, const int8_t *a, const int8_t *b, int8_t *output,
                              void *scratch);
void eq_mat_mul_avx_vnni_single(const eq_mat_mul_params *p, const int8_t *a, const int8_t *b, int8_t *output,
                                void *scratch);
void eq_mat_mul_avx_vnni_double(const eq_mat_mul_params *p, const int8_t *a, const int8_t *b, int8_t *output,
                                void *scratch);
void eq_mat_mul_const_a_avx_vnni_fast(const eq_mat_mul_params *p, const int8_t *b, int8_t *output, void *scratch);
void eq_mat_mul_const_a_avx_vnni_single(const eq_mat_mul_params *p, const int8_t *b, int8_t *output, void *scratch);
void eq_mat_mul_const_a_avx_vnni_double(const eq_mat_mul_params *p, const int8_t *b, int8_t *output, void *scratch);
void eq_mat_mul_const_b_avx_vnni_fast(const eq_mat_mul_params *p, const int8_t *a, int8_t *output, void *scratch);
void eq_mat_mul_const_b_avx_vnni_single(const eq_mat_mul_params *p, const int8_t *a, int8_t *output, void *scratch);
void eq_mat_mul_const_b_avx_vnni_double(const eq_mat_mul_params *p, const int8_t *a, int8_t *output, void *scratch);

void eq_mat_mul_avx512_vnni_fast(const eq_mat_mul_params *p, const int8_t *a, const int8_t *b, int8_t *output,
                                 void *scratch);
void eq_mat_mul_avx512_vnni_single(const eq_mat_mul_params *p, const int8_t *a, const int8_t *b, int8_t *output,
                                   void *scratch);
void eq_mat_mul_avx512_vnni_double(const eq_mat_mul_params *p, const int8_t *a, const int8_t *b, int8_t *output,
                                   void *scratch);
void eq_mat_mul_const_a_avx512_vnni_fast(const eq_mat_mul_params *p, const int8_t *b, int8_t *output, void *scratch);
void eq_mat_mul_const_a_avx512_vnni_single(const eq_mat_mul_params *p, const int8_t *b, int8_t *output, void *scratch);
void eq_mat_mul_const_a_avx512_vnni_double(const eq_mat_mul_params *p, const int8_t *b, int8_t *output, void *scratch);
void eq_mat_mul_const_b_avx512_vnni_fast(const eq_mat_mul_params *p, const int8_t *a, int8_t *output, void *scratch);
void eq_mat_mul_const_b_avx512_vnni_single(const eq_mat_mul_params *p, const int8_t *a, int8_t *output, void *scratch);
void eq_mat_mul_const_b_avx512_vnni_double(const eq_mat_mul_params *p, const int8_t *a, int8_t *output, void *scratch);

#endif
