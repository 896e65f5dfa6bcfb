/* Fixed-point functions: the C twin of edgeq/numerics/gemmlowp.py, bit for bit.
 *
 * A raw value r with i integer bits stands for r · 2^(i - 31). */
#ifndef EQ_GEMMLOWP_H
#define EQ_GEMMLOWP_H

#include "eq/requant.h"

static inline int32_t eq_fixed_multiply(int32_t a, int32_t b)
{
    return eq_doubling_high_multiply(a, b);
}

/* x with `more` integer bits more than before. */
static inline int32_t eq_widen(int32_t x, int32_t more)
{
    return eq_rounding_divide_by_pot(x, more);
}

/* (a + b) / 2, halves away from zero. */
static inline int32_t eq_rounding_half_sum(int32_t a, int32_t b)
{
    const int64_t sum = (int64_t)a + b;
    return (int32_t)((sum + (sum >= 0 ? 1 : -1)) / 2);
}

/* Zero bits above the highest one of x > 0. */
static inline int32_t eq_leading_zeros(int32_t x)
{
    int32_t count = 0;
    for (uint32_t bits = (uint32_t)x; !(bits >> 31); bits <<= 1) {
        count++;
    }
    return count;
}

/* 1 / (1 + x), both without integer bits, for x in [0, 1). */
static inline int32_t eq_one_over_one_plus_x(int32_t x)
{
    const int32_t half_denominator = eq_rounding_half_sum(x, INT32_MAX);
    /* 48/17 - 32/17 · half_denominator, with two integer bits; then three steps of Newton and Raphson. */
    int32_t y = 1515870810 + eq_fixed_multiply(half_denominator, -1010580540);
    for (int32_t i = 0; i < 3; i++) {
        const int32_t error = (1 << 29) - eq_fixed_multiply(half_denominator, y);
        y += eq_shift_left(eq_fixed_multiply(y, error), 2);
    }
    return eq_shift_left(y, 1);
}

/* 1 / x for x > 0 with `integer_bits`: the result is the returned value · 2^(-31 - *above_one). */
static inline int32_t eq_reciprocal(int32_t x, int32_t integer_bits, int32_t *above_one)
{
    const int32_t zeros = eq_leading_zeros(x);
    *above_one = integer_bits - zeros;
    return eq_one_over_one_plus_x((int32_t)(((uint32_t)x << zeros) - ((uint32_t)1 << 31)));
}

static inline int32_t eq_saturating_shift(int32_t x, int32_t shift)
{
    const int32_t threshold = (int32_t)((1U << (31 - shift)) - 1U);
    if (shift == 0) {
        return x;
    }
    return x > threshold ? INT32_MAX : x < -threshold ? INT32_MIN : (int32_t)((uint32_t)x << shift);
}

/* 1 / sqrt(x) for a whole number x: the returned value * 2^(*shift - 31); of 0 what it is of 1. */
static inline int32_t eq_inverse_sqrt(int32_t x, int32_t *shift)
{
    int32_t right = 11;
    if (x <= 1) {
        *shift = 0;
        return INT32_MAX;
    }
    while (x >= 1 << 29) {
        x /= 4;
        right++;
    }
    const int32_t pairs = (eq_leading_zeros(x) - 1) / 2 - 1;
    right -= pairs;
    const int32_t half = eq_rounding_divide_by_pot((int32_t)(((uint32_t)x << (2 * pairs)) >> 1), 1);
    int32_t y = 1 << 28; /* three integer bits */
    for (int32_t i = 0; i < 5; i++) {
        const int32_t cube = eq_saturating_shift(eq_fixed_multiply(eq_fixed_multiply(y, y), y), 6);
        y = eq_saturating_shift(eq_fixed_multiply((1 << 28) + (1 << 27), y) - eq_fixed_multiply(half, cube), 3);
    }
    y = eq_fixed_multiply(y, 1518500250); /* the square root of 1/2 */
    if (right < 0) {
        y = eq_shift_left(y, -right);
        right = 0;
    }
    *shift = -right;
    return y;
}

/* ln(x) with 5 integer bits, for x >= 1 with 12. */
static inline int32_t eq_log_from_one(int32_t x)
{
    const int32_t integer_bits = 12, result_bits = 5, wide = result_bits + 1;
    const int32_t ln_2 = 1488522236, root_4 = 1805811301, root_2 = 1518500250; /* ln 2, fourth and square root of 1/2 */
    const int32_t quarter = 1 << (31 - wide - 2);

    const int32_t zeros_a = eq_leading_zeros(x);
    const int32_t ratio_a = eq_saturating_shift(eq_fixed_multiply(eq_saturating_shift(x, zeros_a - 1), root_2), 1);
    const int32_t power_a = eq_saturate32((int64_t)eq_saturating_shift(integer_bits - zeros_a, 31 - wide) + quarter);
    const int32_t zeros_b = eq_leading_zeros(eq_fixed_multiply(x, root_2)) - 1;
    const int32_t ratio_b = eq_saturating_shift(x, zeros_b);
    const int32_t power_b = eq_saturate32((int64_t)eq_saturating_shift(integer_bits - zeros_b, 31 - wide) - quarter);
    const int32_t r = ratio_a < ratio_b ? ratio_a : ratio_b;
    const int32_t power = power_a > power_b ? power_a : power_b;

    /* A rational approximation around the fourth root of 1/2. */
    const int32_t p = eq_rounding_half_sum(r, root_4);
    const int32_t q = 2 * (r - root_4);
    const int32_t square = eq_fixed_multiply(q, q);
    const int32_t numerator = eq_fixed_multiply(q, r) + eq_fixed_multiply(eq_fixed_multiply(q, square), 117049297);
    const int32_t denominator =
        eq_fixed_multiply(p, 1057819769 + q + eq_fixed_multiply(127690142, square)) + eq_fixed_multiply(638450708, q);
    const int32_t term = eq_fixed_multiply(eq_widen(numerator, wide), eq_one_over_one_plus_x(denominator));
    return eq_shift_left(eq_fixed_multiply(power, ln_2) + term, wide - result_bits);
}

#endif
