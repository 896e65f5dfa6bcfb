/* What the assembly of fully connected layers means: products of a row with the weights of four channels. */
#ifndef EQ_DSP_PRODUCTS_H
#define EQ_DSP_PRODUCTS_H

#include "eq/dsp.h"

/* Adds products of n values, n % 4 == 0, to four sums; returns the end of their weights, which are those of
 * eq/fully_connected_dsp.h. With mixed ones every second sum is 256 times its own plus the one before. */
static inline const int32_t *eq_dsp_products(const int32_t *weights, const int8_t *row, int32_t n, int32_t *sums,
                                             int mixed)
{
    for (int32_t i = 0; i < n; i += 4, weights += 4) {
        const int32_t word = eq_load4(row + i);
        const int32_t pairs[2] = {eq_sxtb16(word), eq_sxtb16_ror8(word)};
        for (int32_t j = 0; j < 4; j++) {
            const int32_t w = weights[j], at = 2 * (j & 1);
            sums[at] = eq_smlad(eq_sxtb16(w), pairs[j >> 1], sums[at]);
            sums[at + 1] = eq_smlad(mixed ? w : eq_sxtb16_ror8(w), pairs[j >> 1], sums[at + 1]);
        }
    }
    return weights;
}

/* The same with weights of int4: sums are 4096 times their own. */
static inline const int32_t *eq_dsp_products_int4(const int32_t *weights, const int8_t *row, int32_t n, int32_t *sums)
{
    for (int32_t i = 0; i < n; i += 4, weights += 2) {
        const int32_t word = eq_load4(row + i);
        const int32_t pairs[2] = {eq_sxtb16(word), eq_sxtb16_ror8(word)};
        for (int32_t j = 0; j < 8; j++) {
            const uint32_t shifted = (uint32_t)weights[j >> 1 & 1] << (12 - 4 * (j & 1) - 8 * (j >> 2));
            sums[j & 3] = eq_smlad((int32_t)(shifted & 0xF000F000U), pairs[j >> 2], sums[j & 3]);
        }
    }
    return weights;
}

#endif
