/* Sigmoid and tanh of four values at once: eq/exp16_table.h, bit for bit. */
#ifndef EQ_MVE_GEMMLOWP16_H
#define EQ_MVE_GEMMLOWP16_H

#include "gates.h"

enum { EQ_QUARTER_BITS = 10, EQ_EXP_UNDERFLOW = 1 << 17 };

/* round(a * b / 2^15), halves upwards */
EQ_INLINE eq_s32x4 eq_rounded_s32(eq_s32x4 a, eq_s32x4 b)
{
    return eq_rounding_right_n_s32(eq_multiply_s32(a, b), 15);
}

/* Where bit `at` of the quarters is set the result is multiplied, elsewhere by one. */
#define EQ_BIT(at, factor)                                                                                             \
    do {                                                                                                               \
        const eq_s32x4 set = eq_right_n_s32(eq_left_n_s32(quarters, 31 - (at)), 31);                                   \
        const eq_s32x4 one = eq_left_n_s32(result, 15), changed = eq_and_s32(result, set);                             \
        result = eq_rounding_right_n_s32(eq_multiply_add_s32(one, changed, (factor) - 32768), 15);                     \
    } while (0)

/* exp(-x) for x > 0; something else for x = 0. bits: how many quarters may have. */
EQ_INLINE eq_s32x4 eq_exp_s32(const int16_t *table, eq_s32x4 x, int32_t bits)
{
    const eq_s32x4 before = eq_add_scalar_s32(x, -1);
    const eq_s32x4 quarters = eq_right_n_s32(before, EQ_QUARTER_BITS);
    eq_s32x4 result = eq_gather_s16_to_s32(table, eq_subtract_s32(before, eq_left_n_s32(quarters, EQ_QUARTER_BITS)));
    EQ_BIT(0, 25520);
    EQ_BIT(1, 19875);
    EQ_BIT(2, 12055);
    EQ_BIT(3, 4435);
    EQ_BIT(4, 600);
    if (bits > 5) {
        EQ_BIT(5, 11);
    }
    if (bits > 6) {
        EQ_BIT(6, 0);
    }
    return result;
}

EQ_INLINE eq_s32x4 eq_newton_step_s32(eq_s32x4 y, eq_s32x4 half)
{
    const eq_s32x4 error = eq_subtract_s32(eq_dup_s32(1 << 13), eq_rounded_s32(half, y));
    return eq_add_s32(y, eq_clamp16_s32(eq_left_n_s32(eq_rounded_s32(y, error), 2)));
}

EQ_INLINE eq_s32x4 eq_newton_s32(eq_s32x4 x)
{
    const eq_s32x4 half = eq_right_n_s32(eq_add_scalar_s32(x, 32768), 1);
    const eq_s32x4 first = eq_add_scalar_s32(eq_rounding_right_n_s32(eq_multiply_scalar_s32(half, -15420), 15), 23130);
    return eq_newton_step_s32(eq_newton_step_s32(eq_newton_step_s32(first, half), half), half);
}

/* -1, 0 or 1 */
EQ_INLINE eq_s32x4 eq_sign_s32(eq_s32x4 x)
{
    return eq_min_s32(eq_max_s32(x, eq_dup_s32(-1)), eq_dup_s32(1));
}

EQ_INLINE eq_s32x4 eq_logistic_s32(const int16_t *table, eq_s32x4 x)
{
    const eq_s32x4 sign = eq_sign_s32(x);
    const eq_s32x4 y = eq_newton_s32(eq_exp_s32(table, eq_multiply_s32(x, sign), 5));
    /* positive or 32767 - positive, 1/2 where x is 0 */
    const eq_s32x4 positive = eq_clamp16_s32(eq_add_s32(y, y));
    const eq_s32x4 spread = eq_add_scalar_s32(eq_add_s32(positive, positive), -32767);
    return eq_rounding_right_n_s32(eq_add_scalar_s32(eq_multiply_s32(spread, sign), 32767), 1);
}

/* integer_bits: 2 to 6; bits: see eq_exp_s32. */
EQ_INLINE eq_s32x4 eq_tanh_s32(const int16_t *table, eq_s32x4 x, int32_t integer_bits, int32_t bits)
{
    const eq_s32x4 sign = eq_sign_s32(x);
    const eq_s32x4 twice = eq_left_s32(eq_multiply_s32(x, sign), integer_bits - 2);
    const eq_s32x4 y = eq_newton_s32(eq_exp_s32(table, eq_min_s32(twice, eq_dup_s32(EQ_EXP_UNDERFLOW)), bits));
    const eq_s32x4 above = eq_clamp16_s32(eq_left_n_s32(eq_add_scalar_s32(y, -(1 << 13)), 2));
    return eq_multiply_s32(above, sign);
}

/* x / 2^exponent, halves away from zero. */
EQ_INLINE eq_s32x4 eq_divided_s32(eq_s32x4 x, int32_t exponent)
{
    return eq_rounding_shift_s32(eq_add_s32(x, eq_right_n_s32(x, 31)), eq_dup_s32(-exponent));
}

#endif
