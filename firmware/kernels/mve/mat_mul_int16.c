#include "eq/mat_mul_int16_tiles.h"
#include "eq/mve.h"

enum { LANES = 8 };

/* Columns one after another, each filled up to whole vectors with zeros. */
EQ_INLINE void pack(const int16_t *const *columns, int32_t depth, int32_t stride, int16_t *tile)
{
    for (int32_t j = 0; j < 4; j++) {
        const int16_t *from = columns[j];
        for (int32_t left = depth; left > 0; left -= LANES) {
            const int32_t some = left < LANES ? left : LANES;
            eq_store_s16(tile, eq_dup_s16(0));
            for (int32_t k = 0; k < some; k++, from += stride) {
                tile[k] = *from;
            }
            tile += LANES;
        }
    }
}

EQ_INLINE void multiply(const int16_t *a, const int16_t *tile, int32_t depth, int64_t *sums)
{
    const int32_t stride = (depth + LANES - 1) & -LANES;
    const int16_t *const b[4] = {tile, tile + stride, tile + 2 * stride, tile + 3 * stride};
    int64_t first = 0, second = 0, third = 0, fourth = 0;
    for (int32_t k = 0; k < depth; k += LANES) {
        const eq_s16x8 x = eq_load_s16_n(a + k, depth - k);
        first = eq_long_dot_s16(first, x, eq_load_s16(b[0] + k));
        second = eq_long_dot_s16(second, x, eq_load_s16(b[1] + k));
        third = eq_long_dot_s16(third, x, eq_load_s16(b[2] + k));
        fourth = eq_long_dot_s16(fourth, x, eq_load_s16(b[3] + k));
    }
    sums[0] = first, sums[1] = second, sums[2] = third, sums[3] = fourth;
}

EQ_MAT_MUL_INT16(mve, 4, pack, multiply)
