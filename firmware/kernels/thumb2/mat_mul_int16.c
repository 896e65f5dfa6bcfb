#include "eq/mat_mul_int16_tiles.h"

/* Rows of four columns. */
EQ_TILES_INLINE void pack(const int16_t *const *columns, int32_t depth, int32_t stride, int16_t *tile)
{
    for (int32_t j = 0; j < 4; j++) {
        const int16_t *from = columns[j];
        int16_t *to = tile + j;
        for (int32_t k = depth; k > 0; k--, from += stride, to += 4) {
            *to = *from;
        }
    }
}

EQ_TILES_INLINE void multiply(const int16_t *a, const int16_t *tile, int32_t depth, int64_t *sums)
{
    int64_t first = 0, second = 0, third = 0, fourth = 0;
    for (const int16_t *const end = a + depth; a != end; tile += 4) {
        const int64_t x = *a++;
        first += x * tile[0];
        second += x * tile[1];
        third += x * tile[2];
        fourth += x * tile[3];
    }
    sums[0] = first, sums[1] = second, sums[2] = third, sums[3] = fourth;
}

EQ_MAT_MUL_INT16(thumb2, 4, pack, multiply)
