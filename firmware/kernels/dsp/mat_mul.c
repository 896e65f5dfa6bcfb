#include "eq/dsp.h"
#include "eq/mat_mul_tiles.h"
#include "inline.h"
#include "requant.h"

/* Four bytes, or those that are left, the rest 0. */
EQ_INLINE int32_t bytes_of(const int8_t *from, int32_t left)
{
    uint32_t word = 0;
    for (int32_t i = left - 1; i >= 0; i--) {
        word = word << 8 | (uint8_t)from[i];
    }
    return (int32_t)word;
}

/* What is due to a's zero-point for every column; then for every four rows pairs of the even ones, then of the odd
 * ones, less b's zero-point. */
EQ_INLINE void pack(const eq_mat_mul_params *p, const int8_t *const *columns, int32_t *tile)
{
    const int32_t step = p->cols, zero = p->b_zero_point, left = p->depth & 3;
    for (int32_t j = 0; j < EQ_MAT_MUL_COLUMNS; j++) {
        const int8_t *from = columns[j];
        int32_t total = 0, *to = tile + EQ_MAT_MUL_COLUMNS + j;
        for (int32_t n = p->depth >> 2; n > 0; n--, from += 4 * step, to += 2 * EQ_MAT_MUL_COLUMNS) {
            const int32_t first = *from - zero, second = from[step] - zero;
            const int32_t third = from[2 * step] - zero, fourth = from[3 * step] - zero;
            total += first + second + third + fourth;
            to[0] = eq_pkhbt(first, third);
            to[EQ_MAT_MUL_COLUMNS] = eq_pkhbt(second, fourth);
        }
        if (left > 0) {
            const int32_t first = *from - zero, second = left > 1 ? from[step] - zero : 0;
            const int32_t third = left > 2 ? from[2 * step] - zero : 0;
            total += first + second + third;
            to[0] = eq_pkhbt(first, third);
            to[EQ_MAT_MUL_COLUMNS] = second & 0xffff;
        }
        tile[j] = -p->a_zero_point * total;
    }
}

#define EQ_FOUR(word)                                                                                                  \
    {                                                                                                                  \
        const int32_t even = eq_sxtb16(word), odd = eq_sxtb16_ror8(word);                                              \
        first = eq_smlad(odd, b[4], eq_smlad(even, b[0], first));                                                      \
        second = eq_smlad(odd, b[5], eq_smlad(even, b[1], second));                                                    \
        third = eq_smlad(odd, b[6], eq_smlad(even, b[2], third));                                                      \
        fourth = eq_smlad(odd, b[7], eq_smlad(even, b[3], fourth));                                                    \
        b += 8;                                                                                                        \
    }

EQ_INLINE void multiply(const eq_mat_mul_params *p, const int8_t *a, const int32_t *tile, int32_t *sums)
{
    int32_t first = tile[0], second = tile[1], third = tile[2], fourth = tile[3];
    const int32_t *b = tile + EQ_MAT_MUL_COLUMNS;
    for (const int8_t *const end = a + (p->depth & ~3); a != end; a += 4) {
        const int32_t word = eq_load4(a);
        EQ_FOUR(word)
    }
    if (p->depth & 3) {
        const int32_t word = bytes_of(a, p->depth & 3);
        EQ_FOUR(word)
    }
    sums[0] = first, sums[1] = second, sums[2] = third, sums[3] = fourth;
}

#define DEFINE(suffix, rounding) EQ_MAT_MUL_TILES(dsp, eq_dsp_requantize, suffix, rounding)
EQ_FOR_EACH_ROUNDING(DEFINE)
