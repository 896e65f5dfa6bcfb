/* Matrix products of int16 tensors whose second matrix is copied into scratch memory first, some columns at a time. */
#ifndef EQ_MAT_MUL_INT16_TILES_H
#define EQ_MAT_MUL_INT16_TILES_H

#include "eq/mat_mul_int16.h"
#include "eq/requant16.h"

#if defined(__GNUC__) || defined(__clang__)
#define EQ_TILES_INLINE static inline __attribute__((always_inline))
#else
#define EQ_TILES_INLINE static inline
#endif

/* Copies columns of b, of which the last ones may be the same, in the order that suits the products. */
typedef void eq_mat_mul_pack(const int16_t *const *columns, int32_t depth, int32_t stride, int16_t *tile);
/* Sums of a row of a times each of these columns. */
typedef void eq_mat_mul_multiply(const int16_t *a, const int16_t *tile, int32_t depth, int64_t *sums);

enum { EQ_MAT_MUL_MOST = 4 }; /* columns at a time */

EQ_TILES_INLINE void eq_mat_mul_int16_tiles(const eq_mat_mul_int16_params *p, const int16_t *a, const int16_t *b,
                                            int16_t *output, int16_t *tile, int32_t at_once, eq_mat_mul_pack *pack,
                                            eq_mat_mul_multiply *multiply)
{
    const int32_t batches = p->batch[0] * p->batch[1] * p->batch[2] * p->batch[3];
    const int32_t mantissa = p->mantissa, shift = p->shift, qmin = p->qmin, qmax = p->qmax;
    for (int32_t i = 0; i < batches; i++, output += p->rows * p->cols) {
        const eq_mat_mul_offsets at = eq_mat_mul_offsets_of(p->batch, p->a_stride, p->b_stride, i);
        for (int32_t column = 0; column < p->cols; column += at_once) {
            const int32_t some = p->cols - column < at_once ? p->cols - column : at_once;
            const int16_t *columns[EQ_MAT_MUL_MOST], *row = a + at.a;
            for (int32_t j = 0; j < at_once; j++) {
                columns[j] = b + at.b + column + (j < some ? j : some - 1);
            }
            pack(columns, p->depth, p->cols, tile);
            int16_t *to = output + column;
            for (int32_t left = p->rows; left > 0; left--, row += p->depth, to += p->cols) {
                int64_t sums[EQ_MAT_MUL_MOST];
                multiply(row, tile, p->depth, sums);
                for (int32_t j = 0; j < some; j++) {
                    to[j] = eq_requantize16_long(sums[j], mantissa, shift, qmin, qmax);
                }
            }
        }
    }
}

/* The kernels of a set for two computed operands and for one. */
#define EQ_MAT_MUL_INT16(set, at_once, pack, multiply)                                                                 \
    void eq_mat_mul_int16_##set(const eq_mat_mul_int16_params *p, const int16_t *a, const int16_t *b, int16_t *output, \
                                void *scratch)                                                                         \
    {                                                                                                                  \
        eq_mat_mul_int16_tiles(p, a, b, output, scratch, at_once, pack, multiply);                                     \
    }                                                                                                                  \
    void eq_mat_mul_int16_const_a_##set(const eq_mat_mul_int16_params *p, const int16_t *b, int16_t *output,           \
                                        void *scratch)                                                                 \
    {                                                                                                                  \
        eq_mat_mul_int16_tiles(p, p->constant, b, output, scratch, at_once, pack, multiply);                           \
    }                                                                                                                  \
    void eq_mat_mul_int16_const_b_##set(const eq_mat_mul_int16_params *p, const int16_t *a, int16_t *output,           \
                                        void *scratch)                                                                 \
    {                                                                                                                  \
        eq_mat_mul_int16_tiles(p, a, p->constant, output, scratch, at_once, pack, multiply);                           \
    }

#endif
