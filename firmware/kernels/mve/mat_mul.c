#include "eq/mat_mul_tiles.h"
#include "eq/mve.h"

enum { LANES = 16 };

/* What is due to the zero-points for every column, then the columns one after another, each filled up to whole vectors
 * with zeros. */
EQ_INLINE void pack(const eq_mat_mul_params *p, const int8_t *const *columns, int32_t *tile)
{
    int8_t *to = (int8_t *)(tile + EQ_MAT_MUL_COLUMNS);
    for (int32_t j = 0; j < EQ_MAT_MUL_COLUMNS; j++) {
        const int8_t *from = columns[j];
        int32_t total = -p->depth * p->b_zero_point;
        for (int32_t left = p->depth; left > 0; left -= LANES, to += LANES) {
            const int32_t some = left < LANES ? left : LANES;
            eq_store_s8(to, eq_dup_s8(0));
            for (int32_t k = 0; k < some; k++, from += p->cols) {
                to[k] = *from;
            }
            total = eq_add_across_s8(total, eq_load_s8(to));
        }
        tile[j] = -p->a_zero_point * total;
    }
}

EQ_INLINE void multiply(const eq_mat_mul_params *p, const int8_t *a, const int32_t *tile, int32_t *sums)
{
    const int32_t depth = p->depth, stride = (depth + LANES - 1) & -LANES;
    const int8_t *const b = (const int8_t *)(tile + EQ_MAT_MUL_COLUMNS);
    int32_t first = tile[0], second = tile[1], third = tile[2], fourth = tile[3], total = 0;
    for (int32_t k = 0; k < depth; k += LANES) {
        const eq_s8x16 x = eq_load_s8_n(a + k, depth - k);
        first = eq_dot_s8(first, x, eq_load_s8(b + k));
        second = eq_dot_s8(second, x, eq_load_s8(b + stride + k));
        third = eq_dot_s8(third, x, eq_load_s8(b + 2 * stride + k));
        fourth = eq_dot_s8(fourth, x, eq_load_s8(b + 3 * stride + k));
        total = eq_add_across_s8(total, x);
    }
    total *= p->b_zero_point;
    sums[0] = first - total, sums[1] = second - total, sums[2] = third - total, sums[3] = fourth - total;
}

#define DEFINE(suffix, rounding) EQ_MAT_MUL_TILES(mve, eq_requantize, suffix, rounding)
EQ_FOR_EACH_ROUNDING(DEFINE)
