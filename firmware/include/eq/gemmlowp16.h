/* Sigmoid and tanh on raw int16 values: the C twin of edgeq/numerics/gemmlowp16.py, bit for bit.
 *
 * A raw value r with i integer bits stands for r · 2^(i - 15). */
#ifndef EQ_GEMMLOWP16_H
#define EQ_GEMMLOWP16_H

#include "eq/requant.h"

/* round(a · b / 2^15), halves upwards. */
static inline int32_t eq_multiply16(int32_t a, int32_t b)
{
    return (a * b + (1 << 14)) >> 15;
}

/* exp(-x) without integer bits, for x in 1..32768 with `integer_bits` in 1..7. */
static inline int32_t eq_exp16_of_negative(int32_t x, int32_t integer_bits)
{
    static const int16_t powers[7] = {25520, 19875, 12055, 4435, 600, 11, 0}; /* exp(-1/4), exp(-1/2) ... exp(-16) */
    const int32_t fraction_bits = 15 - integer_bits;
    const int32_t quarter = 1 << (fraction_bits - 2);
    if (integer_bits > 5 && x > 1 << (fraction_bits + 5)) {
        return 0;
    }
    const int32_t part = (-x & (quarter - 1)) - quarter; /* in [-1/4, 0) */
    const int32_t t = part * (1 << integer_bits) + (1 << 12);
    const int32_t t2 = eq_multiply16(t, t);
    const int32_t t3 = eq_multiply16(t2, t);
    const int32_t t4 = eq_multiply16(t2, t2);
    const int32_t inner = eq_multiply16(eq_rounding_divide_by_pot(t4, 2) + t3, 10923) + t2;
    int32_t result = 28918 + eq_multiply16(t + eq_rounding_divide_by_pot(inner, 1), 28918);
    const int32_t remainder = (part + x) >> (fraction_bits - 2); /* quarters */
    for (int32_t k = 0; k < integer_bits + 2 && k < 7; k++) {
        if ((remainder >> k) & 1) {
            result = eq_multiply16(result, powers[k]);
        }
    }
    return result;
}

/* 2 / (1 + x) with two integer bits, for x in [0, 1) with none: three steps of Newton and Raphson. */
static inline int32_t eq_newton16(int32_t x)
{
    const int32_t half_denominator = (x + 32768) >> 1;
    int32_t y = 23130 + eq_multiply16(half_denominator, -15420);
    for (int32_t k = 0; k < 3; k++) {
        const int32_t error = (1 << 13) - eq_multiply16(half_denominator, y);
        y += eq_clamp(eq_multiply16(y, error) * 4, -32768, 32767);
    }
    return y;
}

/* 1 / (1 + exp(-x)) without integer bits, for an int16 with three. */
static inline int32_t eq_logistic16(int32_t x)
{
    if (x == 0) {
        return 1 << 14;
    }
    const int32_t positive = eq_clamp(eq_newton16(eq_exp16_of_negative(x < 0 ? -x : x, 3)) * 2, -32768, 32767);
    return x > 0 ? positive : 32767 - positive;
}

/* tanh(x) without integer bits, for an int16 with `integer_bits` in 0..6. */
static inline int32_t eq_tanh16(int32_t x, int32_t integer_bits)
{
    if (x == 0) {
        return 0;
    }
    const int32_t y = eq_newton16(eq_exp16_of_negative(x < 0 ? -x : x, integer_bits + 1));
    const int32_t above = eq_clamp((y - (1 << 13)) * 4, -32768, 32767);
    return x < 0 ? -above : above;
}

#endif
