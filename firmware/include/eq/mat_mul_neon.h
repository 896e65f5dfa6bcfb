/* Matrix products with Arm's vectors. */
#ifndef EQ_MAT_MUL_NEON_H
#define EQ_MAT_MUL_NEON_H

#include "eq/mat_mul.h"

/* The factor is below 1, with _single and _double below 1/2. scratch: as kernels/neon/mat_mul_neon.c and
 * mat_mul_dotprod.c say. */
void eq_mat_mul_neon_fast(const eq_mat_mul_params *p, const int8_t *a, const int8_t *b, int8_t *output, void *scratch);
void eq_mat_mul_neon_single(const eq_mat_mul_params *p, const int8_t *a, const int8_t *b, int8_t *output,
                            void *scratch);
void eq_mat_mul_neon_double(const eq_mat_mul_params *p, const int8_t *a, const int8_t *b, int8_t *output,
                            void *scratch);
void eq_mat_mul_const_a_neon_fast(const eq_mat_mul_params *p, const int8_t *b, int8_t *output, void *scratch);
void eq_mat_mul_const_a_neon_single(const eq_mat_mul_params *p, const int8_t *b, int8_t *output, void *scratch);
void eq_mat_mul_const_a_neon_double(const eq_mat_mul_params *p, const int8_t *b, int8_t *output, void *scratch);
void eq_mat_mul_const_b_neon_fast(const eq_mat_mul_params *p, const int8_t *a, int8_t *output, void *scratch);
void eq_mat_mul_const_b_neon_single(const eq_mat_mul_params *p, const int8_t *a, int8_t *output, void *scratch);
void eq_mat_mul_const_b_neon_double(const eq_mat_mul_params *p, const int8_t *a, int8_t *output, void *scratch);

void eq_mat_mul_dotprod_fast(const eq_mat_mul_params *p, const int8_t *a, const int8_t *b, int8_t *output,
                             void *scratch);
void eq_mat_mul_dotprod_single(const eq_mat_mul_params *p, const int8_t *a, const int8_t *b, int8_t *output,
                               void *scratch);
void eq_mat_mul_dotprod_double(const eq_mat_mul_params *p, const int8_t *a, const int8_t *b, int8_t *output,
                               void *scratch);
void eq_mat_mul_const_a_dotprod_fast(const eq_mat_mul_params *p, const int8_t *b, int8_t *output, void *scratch);
void eq_mat_mul_const_a_dotprod_single(const eq_mat_mul_params *p, const int8_t *b, int8_t *output, void *scratch);
void eq_mat_mul_const_a_dotprod_double(const eq_mat_mul_params *p, const int8_t *b, int8_t *output, void *scratch);
void eq_mat_mul_const_b_dotprod_fast(const eq_mat_mul_params *p, const int8_t *a, int8_t *output, void *scratch);
void eq_mat_mul_const_b_dotprod_single(const eq_mat_mul_params *p, const int8_t *a, int8_t *output, void *scratch);
void eq_mat_mul_const_b_dotprod_double(const eq_mat_mul_params *p, const int8_t *a, int8_t *output, void *scratch);

#endif
