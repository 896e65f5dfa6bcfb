/* The body of eq_mat_mul_neon and eq_mat_mul_dotprod: which matrices are multiplied, sixteen columns at a time. A file
 * that includes this has defined eq_matrix: the product of two of them. */
#ifndef EQ_NEON_MAT_MUL_H
#define EQ_NEON_MAT_MUL_H

#include "eq/mat_mul_neon.h"
#include "requant.h"

enum { EQ_COLUMNS = 16 };

/* What all sums become. */
typedef struct {
    int32x4_t factor, shift;
    eq_output output;
    eq_rounding rounding;
} eq_finish;

/* The first column of the `q`th block: the last block lies over the one before it. */
EQ_INLINE int32_t eq_first_column(int32_t q, int32_t columns)
{
    const int32_t last = columns > EQ_COLUMNS ? columns - EQ_COLUMNS : 0;
    return EQ_COLUMNS * q < last ? EQ_COLUMNS * q : last;
}

/* Sixteen elements of row k, of which no more are read than the matrix has; the others are anything. */
EQ_INLINE int8x16_t eq_columns_of(const eq_mat_mul_params *p, const int8_t *b, int32_t k, int32_t column)
{
    const int64_t at = (int64_t)k * p->cols + column, left = (int64_t)p->depth * p->cols - at;
    if (left >= EQ_COLUMNS) {
        return vld1q_s8(b + at);
    }
    int8_t row[EQ_COLUMNS] = {0};
    memcpy(row, b + at, (size_t)left);
    return vld1q_s8(row);
}

/* Stores what the sums of a row and a block of columns become. */
EQ_INLINE void eq_store_columns(const int32x4_t *sums, int8_t *to, int32_t columns, const eq_finish *f)
{
    int32x4_t scaled[4];
    EQ_UNROLL
    for (int32_t v = 0; v < 4; v++) {
        scaled[v] = eq_scale(sums[v], f->factor, f->shift, f->rounding);
    }
    const int8x16_t r = eq_outputs(scaled[0], scaled[1], scaled[2], scaled[3], &f->output);
    if (columns >= EQ_COLUMNS) {
        vst1q_s8(to, r);
    } else {
        int8_t row[EQ_COLUMNS];
        vst1q_s8(row, r);
        memcpy(to, row, (size_t)columns);
    }
}

static inline void eq_matrix(const eq_mat_mul_params *p, const int8_t *a, const int8_t *b, int8_t *output,
                             int8_t *scratch, const eq_finish *f);

/* Once for each rounding. */
EQ_INLINE void eq_mat_mul(const eq_mat_mul_params *p, const int8_t *a, const int8_t *b, int8_t *output, void *scratch,
                          eq_rounding rounding)
{
    const eq_finish f = {vdupq_n_s32(p->mantissa), vdupq_n_s32(p->shift), eq_output_of(p->zero_point, p->qmin, p->qmax),
                         rounding};
    const int32_t batches = p->batch[0] * p->batch[1] * p->batch[2] * p->batch[3];
    for (int32_t i = 0; i < batches; i++) {
        int64_t a_offset = 0, b_offset = 0;
        for (int32_t d = EQ_MAT_MUL_DIMS - 1, rest = i; d >= 0; d--) {
            a_offset += (int64_t)(rest % p->batch[d]) * p->a_stride[d];
            b_offset += (int64_t)(rest % p->batch[d]) * p->b_stride[d];
            rest /= p->batch[d];
        }
        eq_matrix(p, a + a_offset, b + b_offset, output, scratch, &f);
        output += (int64_t)p->rows * p->cols;
    }
}

#define EQ_DEFINE_MAT_MUL(set, suffix, rounding)                                                                       \
    void eq_mat_mul_##set##_##suffix(const eq_mat_mul_params *p, const int8_t *a, const int8_t *b, int8_t *output,     \
                                     void *scratch)                                                                    \
    {                                                                                                                  \
        eq_mat_mul(p, a, b, output, scratch, rounding);                                                                \
    }                                                                                                                  \
    void eq_mat_mul_const_a_##set##_##suffix(const eq_mat_mul_params *p, const int8_t *b, int8_t *output,              \
                                             void *scratch)                                                            \
    {                                                                                                                  \
        eq_mat_mul(p, p->constant, b, output, scratch, rounding);                                                      \
    }                                                                                                                  \
    void eq_mat_mul_const_b_##set##_##suffix(const eq_mat_mul_params *p, const int8_t *a, int8_t *output,              \
                                             void *scratch)                                                            \
    {                                                                                                                  \
        eq_mat_mul(p, a, p->constant, output, scratch, rounding);                                                      \
    }

#endif
