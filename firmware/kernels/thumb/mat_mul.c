#include "eq/mat_mul_tiles.h"

/* What is due to a's zero-point for every column, then rows of words less b's zero-point. */
EQ_TILES_INLINE void pack(const eq_mat_mul_params *p, const int8_t *const *columns, int32_t *tile)
{
    for (int32_t j = 0; j < EQ_MAT_MUL_COLUMNS; j++) {
        const int8_t *from = columns[j];
        int32_t total = 0, *to = tile + EQ_MAT_MUL_COLUMNS + j;
        for (int32_t k = p->depth; k > 0; k--, from += p->cols, to += EQ_MAT_MUL_COLUMNS) {
            *to = *from - p->b_zero_point;
            total += *to;
        }
        tile[j] = -p->a_zero_point * total;
    }
}

EQ_TILES_INLINE void multiply(const eq_mat_mul_params *p, const int8_t *a, const int32_t *tile, int32_t *sums)
{
    int32_t first = tile[0], second = tile[1], third = tile[2], fourth = tile[3];
    for (const int8_t *const end = a + p->depth; a != end;) {
        const int32_t x = *a++;
        tile += EQ_MAT_MUL_COLUMNS;
        first += x * tile[0];
        second += x * tile[1];
        third += x * tile[2];
        fourth += x * tile[3];
    }
    sums[0] = first, sums[1] = second, sums[2] = third, sums[3] = fourth;
}

#define DEFINE(suffix, rounding) EQ_MAT_MUL_TILES(thumb, eq_requantize, suffix, rounding)
EQ_FOR_EACH_ROUNDING(DEFINE)
