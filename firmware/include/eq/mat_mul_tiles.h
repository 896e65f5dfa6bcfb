/* Matrix products of int8 tensors whose second matrix is copied into scratch memory first, four columns at a time. */
#ifndef EQ_MAT_MUL_TILES_H
#define EQ_MAT_MUL_TILES_H

#include "eq/mat_mul.h"
#include "eq/requant.h"

#if defined(__GNUC__) || defined(__clang__)
#define EQ_TILES_INLINE static inline __attribute__((always_inline))
#else
#define EQ_TILES_INLINE static inline
#endif

enum { EQ_MAT_MUL_COLUMNS = 4 };

/* Copies columns of b, of which the last ones may be the same, in the order that suits the products. */
typedef void eq_mat_mul_pack(const eq_mat_mul_params *p, const int8_t *const *columns, int32_t *tile);
/* Sums of a row of a times each of these columns. */
typedef void eq_mat_mul_multiply(const eq_mat_mul_params *p, const int8_t *a, const int32_t *tile, int32_t *sums);
typedef int8_t eq_mat_mul_requantize(int32_t acc, int32_t mantissa, int32_t shift, int32_t zero_point, int32_t qmin,
                                     int32_t qmax, eq_rounding rounding);

/* What most factors ask for first, in fewer instructions. */
EQ_TILES_INLINE int8_t eq_mat_mul_finish(int32_t acc, int32_t mantissa, int32_t shift, int32_t zero_point, int32_t qmin,
                                         int32_t qmax, eq_mat_mul_requantize *requantize, eq_rounding rounding)
{
    if (rounding == EQ_FAST && shift == 0) {
        const int32_t scaled = (int32_t)(((int64_t)acc * mantissa + ((int64_t)1 << 30)) >> 31);
        return (int8_t)eq_clamp(scaled + zero_point, qmin, qmax);
    }
    return requantize(acc, mantissa, shift, zero_point, qmin, qmax, rounding);
}

EQ_TILES_INLINE void eq_mat_mul_tiles(const eq_mat_mul_params *p, const int8_t *a, const int8_t *b, int8_t *output,
                                      int32_t *tile, eq_mat_mul_pack *pack, eq_mat_mul_multiply *multiply,
                                      eq_mat_mul_requantize *requantize, eq_rounding rounding)
{
    const int32_t mantissa = p->mantissa, shift = p->shift, zero_point = p->zero_point, low = p->qmin, high = p->qmax;
    const int32_t batches = p->batch[0] * p->batch[1] * p->batch[2] * p->batch[3];
    for (int32_t i = 0; i < batches; i++, output += p->rows * p->cols) {
        const eq_mat_mul_offsets at = eq_mat_mul_offsets_of(p->batch, p->a_stride, p->b_stride, i);
        for (int32_t column = 0; column < p->cols; column += EQ_MAT_MUL_COLUMNS) {
            const int32_t left = p->cols - column, some = left < EQ_MAT_MUL_COLUMNS ? left : EQ_MAT_MUL_COLUMNS;
            const int8_t *columns[EQ_MAT_MUL_COLUMNS], *row = a + at.a;
            for (int32_t j = 0; j < EQ_MAT_MUL_COLUMNS; j++) {
                columns[j] = b + at.b + column + (j < some ? j : some - 1);
            }
            pack(p, columns, tile);
            int8_t *to = output + column;
            for (int32_t n = p->rows; n > 0; n--, row += p->depth, to += p->cols) {
                int32_t sums[EQ_MAT_MUL_COLUMNS];
                multiply(p, row, tile, sums);
                for (int32_t j = 0; j < some; j++) {
                    to[j] = eq_mat_mul_finish(sums[j], mantissa, shift, zero_point, low, high, requantize, rounding);
                }
            }
        }
    }
}

/* The kernels of a set with a rounding, for two computed operands and for one. */
#define EQ_MAT_MUL_TILES(set, requantize, suffix, rounding)                                                            \
    void eq_mat_mul_##set##_##suffix(const eq_mat_mul_params *p, const int8_t *a, const int8_t *b, int8_t *output,     \
                                     void *scratch)                                                                    \
    {                                                                                                                  \
        eq_mat_mul_tiles(p, a, b, output, scratch, pack, multiply, requantize, rounding);                              \
    }                                                                                                                  \
    void eq_mat_mul_const_a_##set##_##suffix(const eq_mat_mul_params *p, const int8_t *b, int8_t *output,              \
                                             void *scratch)                                                            \
    {                                                                                                                  \
        eq_mat_mul_tiles(p, p->constant, b, output, scratch, pack, multiply, requantize, rounding);                    \
    }                                                                                                                  \
    void eq_mat_mul_const_b_##set##_##suffix(const eq_mat_mul_params *p, const int8_t *a, int8_t *output,              \
                                             void *scratch)                                                            \
    {                                                                                                                  \
        eq_mat_mul_tiles(p, a, p->constant, output, scratch, pack, multiply, requantize, rounding);                    \
    }

#endif
