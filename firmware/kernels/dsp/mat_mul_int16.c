#include "eq/dsp.h"
#include "eq/mat_mul_int16_tiles.h"
#include "inline.h"

/* Pairs of rows of four columns: a word for each column. */
EQ_INLINE void pack(const int16_t *const *columns, int32_t depth, int32_t stride, int16_t *tile)
{
    for (int32_t j = 0; j < 4; j++) {
        const int16_t *from = columns[j];
        int32_t *to = (int32_t *)(void *)tile + j;
        for (int32_t k = depth >> 1; k > 0; k--, from += 2 * stride, to += 4) {
            *to = eq_pkhbt(from[0], from[stride]);
        }
        if (depth & 1) {
            *to = eq_pkhbt(*from, 0);
        }
    }
}

/* A pair of values of a times that of each column. */
#define EQ_PAIR(pair, at)                                                                                              \
    first = eq_smlald(pair, b[at], first);                                                                             \
    second = eq_smlald(pair, b[(at) + 1], second);                                                                     \
    third = eq_smlald(pair, b[(at) + 2], third);                                                                       \
    fourth = eq_smlald(pair, b[(at) + 3], fourth);

EQ_INLINE void multiply(const int16_t *a, const int16_t *tile, int32_t depth, int64_t *sums)
{
    const int32_t *b = (const int32_t *)(const void *)tile;
    int64_t first = 0, second = 0, third = 0, fourth = 0;
    int32_t pair;
    if (depth & 2) {
        memcpy(&pair, a, sizeof pair);
        EQ_PAIR(pair, 0)
        a += 2, b += 4;
    }
    for (const int16_t *const end = a + (depth & ~3); a != end; a += 4, b += 8) {
        memcpy(&pair, a, sizeof pair);
        EQ_PAIR(pair, 0)
        memcpy(&pair, a + 2, sizeof pair);
        EQ_PAIR(pair, 4)
    }
    if (depth & 1) {
        pair = eq_pkhbt(*a, 0);
        EQ_PAIR(pair, 0)
    }
    sums[0] = first, sums[1] = second, sums[2] = third, sums[3] = fourth;
}

EQ_MAT_MUL_INT16(dsp, 4, pack, multiply)
