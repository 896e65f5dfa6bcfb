/* Float32 arithmetic with a stated order of operations, bit for bit that of edgeq/numerics/float32.py.
 *
 * It is right where every operation rounds to float32 by itself: compile without -ffast-math, and with
 * -ffp-contract=off where the processor can multiply and add at once. */
#ifndef EQ_FLOAT32_H
#define EQ_FLOAT32_H

#include <stdint.h>
#include <string.h>

/* The nearest whole number, halves to even; |x| < 2^22. */
static inline float eq_to_nearest(float x)
{
    return (x + 12582912.0f) - 12582912.0f;
}

/* x, but no less than `low` and no more than `high`; NaN becomes `low`. */
static inline float eq_bounded(float x, float low, float high)
{
    return x > low ? (x < high ? x : high) : low;
}

/* 2^exponent for -126..127. */
static inline float eq_power_of_two(int32_t exponent)
{
    const uint32_t bits = (uint32_t)(exponent + 127) << 23;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline float eq_exp(float x)
{
    if (x != x) {
        return x;
    }
    const float inside = eq_bounded(x, -104.0f, 89.0f);
    const float n = eq_to_nearest(inside * 1.44269502f);
    const float r = (inside - n * 0.693359375f) - n * -2.12194442e-4f;
    float p = 1.98756912e-4f;
    p = p * r + 1.39819994e-3f;
    p = p * r + 8.3334519e-3f;
    p = p * r + 4.1665796e-2f;
    p = p * r + 0.166666657f;
    p = p * r + 0.5f;
    const float y = (p * (r * r) + r) + 1.0f;
    const int32_t whole = (int32_t)n;
    const int32_t half = whole >> 1;
    return (y * eq_power_of_two(half)) * eq_power_of_two(whole - half);
}

#endif
