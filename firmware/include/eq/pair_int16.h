/* Sums and products, the lesser and the greater, comparisons of two int16 tensors, broadcast against each other. */
#ifndef EQ_PAIR_INT16_H
#define EQ_PAIR_INT16_H

#include "eq/broadcast.h"

/* One accumulator: (a · a_factor + b · b_factor + offset) >> right_shift. */
typedef struct {
    int32_t shape[EQ_MAX_RANK], a_stride[EQ_MAX_RANK], b_stride[EQ_MAX_RANK];
    const int16_t *constant;
    int32_t a_factor, b_factor; /* fit 16 bits */
    int32_t offset;             /* rounding */
    int32_t right_shift;        /* at most 16 */
    int32_t qmin, qmax;
} eq_add_int16_params;

/* TensorFlow Lite's way: both operands are brought to one scale, added, and brought to the output's. */
typedef struct {
    int32_t shape[EQ_MAX_RANK], a_stride[EQ_MAX_RANK], b_stride[EQ_MAX_RANK];
    const int16_t *constant;
    int32_t a_sign, a_mantissa, a_shift;
    int32_t b_sign, b_mantissa, b_shift;
    int32_t mantissa, shift;
    int32_t qmin, qmax;
} eq_add_int16_double_params;

typedef struct {
    int32_t shape[EQ_MAX_RANK], a_stride[EQ_MAX_RANK], b_stride[EQ_MAX_RANK];
    const int16_t *constant;
    int32_t mantissa, shift;
    int32_t qmin, qmax;
} eq_mul_int16_params;

typedef struct {
    int32_t shape[EQ_MAX_RANK], a_stride[EQ_MAX_RANK], b_stride[EQ_MAX_RANK];
    const int16_t *constant;
} eq_minmax_int16_params;

/* Both operands, made finer, are brought to one scale and compared. */
typedef struct {
    int32_t shape[EQ_MAX_RANK], a_stride[EQ_MAX_RANK], b_stride[EQ_MAX_RANK];
    const int16_t *constant;
    int32_t a_mantissa, a_shift;
    int32_t b_mantissa, b_shift;
    int32_t less, equal, greater; /* the result where a < b, a = b, a > b */
} eq_compare_int16_params;

/* The output may be an operand of its size. */
void eq_add_int16_ref(const eq_add_int16_params *p, const int16_t *a, const int16_t *b, int16_t *output);
void eq_add_int16_const_ref(const eq_add_int16_params *p, const int16_t *a, int16_t *output);
void eq_add_int16_ref_double(const eq_add_int16_double_params *p, const int16_t *a, const int16_t *b, int16_t *output);
void eq_add_int16_const_ref_double(const eq_add_int16_double_params *p, const int16_t *a, int16_t *output);
void eq_mul_int16_ref(const eq_mul_int16_params *p, const int16_t *a, const int16_t *b, int16_t *output);
void eq_mul_int16_const_ref(const eq_mul_int16_params *p, const int16_t *a, int16_t *output);
void eq_mul_int16_ref_double(const eq_mul_int16_params *p, const int16_t *a, const int16_t *b, int16_t *output);
void eq_mul_int16_const_ref_double(const eq_mul_int16_params *p, const int16_t *a, int16_t *output);
void eq_minimum_int16_ref(const eq_minmax_int16_params *p, const int16_t *a, const int16_t *b, int16_t *output);
void eq_minimum_int16_const_ref(const eq_minmax_int16_params *p, const int16_t *a, int16_t *output);
void eq_maximum_int16_ref(const eq_minmax_int16_params *p, const int16_t *a, const int16_t *b, int16_t *output);
void eq_maximum_int16_const_ref(const eq_minmax_int16_params *p, const int16_t *a, int16_t *output);
void eq_compare_int16_ref(const eq_compare_int16_params *p, const int16_t *a, const int16_t *b, int16_t *output);
void eq_compare_int16_const_ref(const eq_compare_int16_params *p, const int16_t *a, int16_t *output);

/* The same sums for the DSP extension: along the last dimension each operand is contiguous or one element. */
void eq_add_int16_dsp(const eq_add_int16_params *p, const int16_t *a, const int16_t *b, int16_t *output);
void eq_add_int16_const_dsp(const eq_add_int16_params *p, const int16_t *a, int16_t *output);

/* The same for Helium. */
void eq_add_int16_mve(const eq_add_int16_params *p, const int16_t *a, const int16_t *b, int16_t *output);
void eq_add_int16_const_mve(const eq_add_int16_params *p, const int16_t *a, int16_t *output);
/* Products by a factor below 1/4, of such operands. */
void eq_mul_int16_dsp(const eq_mul_int16_params *p, const int16_t *a, const int16_t *b, int16_t *output);
void eq_mul_int16_const_dsp(const eq_mul_int16_params *p, const int16_t *a, int16_t *output);
void eq_mul_int16_mve(const eq_mul_int16_params *p, const int16_t *a, const int16_t *b, int16_t *output);
void eq_mul_int16_const_mve(const eq_mul_int16_params *p, const int16_t *a, int16_t *output);

/* The same products for cores without SIMD. */
void eq_mul_int16_thumb(const eq_mul_int16_params *p, const int16_t *a, const int16_t *b, int16_t *output);
void eq_mul_int16_const_thumb(const eq_mul_int16_params *p, const int16_t *a, int16_t *output);

#endif
