/* The products of some integers with four rows of bytes, sixteen at a time, by EQ_ADD_PRODUCTS(sums, x, y). */
#ifndef EQ_NEON_FOUR_ROWS_H
#define EQ_NEON_FOUR_ROWS_H

#include "eq/dynamic.h"

static inline int32_t eq_total(int32x4_t sums)
{
    int32_t each[4];
    vst1q_s32(each, sums);
    return each[0] + each[1] + each[2] + each[3];
}

static inline void eq_four_rows(const int8_t *integers, const int8_t *bytes, int32_t depth, int32_t count,
                                int32_t *sums)
{
    int32x4_t a = vdupq_n_s32(0), b = a, c = a, d = a;
    const int32_t whole = count / 16 * 16;
    int32_t rest[4];
    eq_four_products_in_c(integers + whole, bytes + whole, depth, count - whole, rest);
    for (int32_t k = 0; k < whole; k += 16, bytes += 16) {
        const int8x16_t x = vld1q_s8(integers + k);
        a = EQ_ADD_PRODUCTS(a, x, vld1q_s8(bytes));
        b = EQ_ADD_PRODUCTS(b, x, vld1q_s8(bytes + depth));
        c = EQ_ADD_PRODUCTS(c, x, vld1q_s8(bytes + 2 * depth));
        d = EQ_ADD_PRODUCTS(d, x, vld1q_s8(bytes + 3 * depth));
    }
    sums[0] = eq_total(a) + rest[0];
    sums[1] = eq_total(b) + rest[1];
    sums[2] = eq_total(c) + rest[2];
    sums[3] = eq_total(d) + rest[3];
}

#endif
