/* Float32 arithmetic with a stated order of operations, bit for bit that of edgeq/numerics/float32.py.
 *
 * It is right where every operation rounds to float32 by itself: compile without -ffast-math, and with
 * -ffp-contract=off where the processor can multiply and add at once. */
#ifndef EQ_FLOAT32_H
#define EQ_FLOAT32_H

#include <stdint.h>
#include <string.h>

/* The greatest number that is finite. */
#define EQ_GREATEST 3.40282347e+38f

/* x; what is not a number becomes the same NaN on every processor. */
static inline float eq_number(float x)
{
    const uint32_t bits = 0x7fc00000;
    if (x != x) {
        memcpy(&x, &bits, sizeof x);
    }
    return x;
}

/* x, but no less than `low` and no more than `high`; NaN stays. */
static inline float eq_within(float x, float low, float high)
{
    return eq_number(x < low ? low : x > high ? high : x);
}

/* x / y; a subnormal quotient becomes zero, as where a compiler's library divides. */
static inline float eq_quotient(float x, float y)
{
    const float quotient = x / y;
    return quotient < 1.17549435e-38f && quotient > -1.17549435e-38f ? quotient * 0.0f : quotient;
}

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

/* The nearest whole number, halves away from zero; |x| < 2^22. */
static inline float eq_round_half_away(float x)
{
    const float whole = (float)(int32_t)x;
    const float rest = x - whole;
    return rest >= 0.5f ? whole + 1.0f : rest <= -0.5f ? whole - 1.0f : whole;
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

/* The square root, rounded once; of a negative number NaN. Digit by digit where a processor has none. */
static inline float eq_sqrt(float x)
{
    if (!(x > 0.0f) || x > EQ_GREATEST) {
        const uint32_t none = 0x7fc00000;
        if (x < 0.0f) {
            memcpy(&x, &none, sizeof x);
        }
        return x;
    }
#if defined __GNUC__ && defined __aarch64__
    __asm__("fsqrt %s0, %s1" : "=w"(x) : "w"(x));
    return x;
#elif defined __GNUC__ && defined __ARM_FP && (__ARM_FP & 4)
    __asm__("vsqrt.f32 %0, %1" : "=t"(x) : "t"(x));
    return x;
#else
    int32_t exponent = 0;
    if (x < 1.17549435e-38f) { /* subnormal */
        x = x * 16777216.0f;
        exponent = -12;
    }
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    const int32_t own = (int32_t)(bits >> 23) - 127;
    const uint32_t odd = (uint32_t)own & 1;
    exponent += (own - (int32_t)odd) / 2;
    uint32_t rest = ((bits & 0x7fffff) | 0x800000) << (odd + 1);
    uint32_t root = 0, twice = 0;
    for (uint32_t digit = 0x1000000; digit; digit >>= 1) { /* 24 bits and one to round with */
        if (twice + digit <= rest) {
            rest -= twice + digit;
            twice += digit + digit;
            root += digit;
        }
        rest += rest;
    }
    if (rest) { /* it is never half-way */
        root += root & 1;
    }
    bits = (root >> 1) - 0x800000 + ((uint32_t)(exponent + 127) << 23);
    memcpy(&x, &bits, sizeof x);
    return x;
#endif
}

/* The natural logarithm; of 0 minus infinity, of a negative number NaN. */
static inline float eq_log(float x)
{
    if (!(x > 0.0f) || x > EQ_GREATEST) {
        const uint32_t infinity = 0xff800000, none = 0x7fc00000;
        if (x <= 0.0f) {
            memcpy(&x, x < 0.0f ? &none : &infinity, sizeof x);
        }
        return x;
    }
    int32_t exponent = 0;
    if (x < 1.17549435e-38f) {
        x = x * 16777216.0f;
        exponent = -24;
    }
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    exponent += (int32_t)(bits >> 23) - 126;
    bits = (bits & 0x7fffff) | 0x3f000000;
    float m;
    memcpy(&m, &bits, sizeof m); /* 0.5 to 1 */
    if (m < 0.707106769f) {
        exponent -= 1;
        m = m + m;
    }
    m = m - 1.0f;
    const float square = m * m;
    float p = 7.03768358e-2f;
    p = p * m + -0.115146101f;
    p = p * m + 0.116769984f;
    p = p * m + -0.12420141f;
    p = p * m + 0.142493233f;
    p = p * m + -0.166680574f;
    p = p * m + 0.200007141f;
    p = p * m + -0.24999994f;
    p = p * m + 0.333333313f;
    const float n = (float)exponent;
    const float y = ((p * m) * square + n * -2.12194442e-4f) - 0.5f * square;
    return (m + y) + n * 0.693359375f;
}

/* 1 / (1 + exp(-x)), as TensorFlow Lite computes it. */
static inline float eq_sigmoid(float x)
{
    if (x > 16.619047f) {
        return 1.0f;
    }
    return x < -9.0f ? eq_exp(x) : 1.0f / (1.0f + eq_exp(-x));
}

/* exp(x) - 1, near 0 without cancellation. */
static inline float eq_expm1(float x)
{
    if (x > -0.34f && x < 0.34f) {
        float p = 1.98756912e-4f;
        p = p * x + 1.39819994e-3f;
        p = p * x + 8.3334519e-3f;
        p = p * x + 4.1665796e-2f;
        p = p * x + 0.166666657f;
        p = p * x + 0.5f;
        return p * (x * x) + x;
    }
    return eq_exp(x) - 1.0f;
}

/* The error function. */
static inline float eq_erf(float x)
{
    if (x != x) {
        return x;
    }
    const float size = eq_bounded(x < 0.0f ? -x : x, 0.0f, 10.0f);
    if (size < 1.0f) {
        const float square = x * x;
        float p = 7.85386146e-05f;
        p = p * square + -0.000801019371f;
        p = p * square + 0.00518832775f;
        p = p * square + -0.0268538129f;
        p = p * square + 0.112835854f;
        p = p * square + -0.37612626f;
        p = p * square + 1.12837911f;
        return x * p;
    }
    const float t = 1.0f / (1.0f + 0.327591091f * size);
    float q = 1.06140542f;
    q = q * t + -1.45315206f;
    q = q * t + 1.42141378f;
    q = q * t + -0.284496725f;
    q = q * t + 0.254829586f;
    const float far = 1.0f - (q * t) * eq_exp(-(size * size));
    return x < 0.0f ? -far : far;
}

/* x without its fraction; what has none stays, and NaN. */
static inline float eq_whole(float x)
{
    return x > -8388608.0f && x < 8388608.0f ? (float)(int32_t)x : x;
}

/* The greatest whole number that is not above x. */
static inline float eq_floor(float x)
{
    const float cut = eq_whole(x);
    return cut > x ? cut - 1.0f : cut;
}

/* The nearest whole number, halves to even. */
static inline float eq_round_even(float x)
{
    const float cut = eq_whole(x), rest = x - cut, half = cut * 0.5f;
    const int odd = eq_whole(half) != half;
    if (rest > 0.5f || (rest == 0.5f && odd)) {
        return cut + 1.0f;
    }
    return rest < -0.5f || (rest == -0.5f && odd) ? cut - 1.0f : cut;
}

/* The least whole number that is not below x. */
static inline float eq_ceil(float x)
{
    const float cut = eq_whole(x);
    return cut < x ? cut + 1.0f : cut;
}

static inline float eq_tanh(float x)
{
    const float size = x < 0.0f ? -x : x;
    if (size >= 0.625f) {
        const float y = 1.0f - 2.0f / (eq_exp(size + size) + 1.0f);
        return x < 0.0f ? -y : y;
    }
    const float square = x * x;
    float p = -5.70498873e-3f;
    p = p * square + 2.06390880e-2f;
    p = p * square + -5.37397154e-2f;
    p = p * square + 0.133314422f;
    p = p * square + -0.333332807f;
    return (p * square) * x + x;
}

/* (atan(x) / x - 1) / x^2 in x^2 for |x| below the square root of 2, less 1. */
static inline float eq_atan_terms(float square)
{
    float p = -0.0645159706f;
    p = p * square + 0.107436314f;
    p = p * square + -0.142639458f;
    p = p * square + 0.199995399f;
    p = p * square + -0.333333313f;
    return p;
}

/* The inverse tangent. */
static inline float eq_atan(float x)
{
    const float size = x < 0.0f ? -x : x;
    float t = size, start = 0.0f;
    if (size > 2.4142135f) {
        t = -1.0f / size;
        start = 1.5707964f;
    } else if (size > 0.41421357f) {
        t = (size - 1.0f) / (size + 1.0f);
        start = 0.7853982f;
    }
    const float square = t * t;
    const float found = start + (t + t * (square * eq_atan_terms(square)));
    return x < 0.0f ? -found : found;
}

/* (sin(x) / x - 1) / x^2 and (cos(x) - 1 + x^2 / 2) / x^4 in x^2 for |x| up to an eighth of a turn. */
static inline float eq_sin_terms(float square)
{
    float p = 2.72498528e-06f;
    p = p * square + -0.000198400856f;
    p = p * square + 0.00833333191f;
    p = p * square + -0.166666672f;
    return p;
}

static inline float eq_cos_terms(float square)
{
    float p = -2.73009476e-07f;
    p = p * square + 2.48005999e-05f;
    p = p * square + -0.00138888881f;
    p = p * square + 0.0416666679f;
    return p;
}

/* The sine of x and some quarter turns. */
static inline float eq_wave(float x, float quarters)
{
    if (!(x - x == 0.0f)) {
        return x - x;
    }
    const float turns = eq_round_even(x * 0.636619747f);
    const float left = ((x - turns * 1.5703125f) - turns * 0.000484466553f) - turns * -6.39757843e-07f;
    const float rest = eq_bounded(left, -1.0f, 1.0f), square = rest * rest;
    const float counted = turns + quarters;
    const float which = counted - 4.0f * eq_floor(counted * 0.25f);
    const float found = which == 0.0f || which == 2.0f
                            ? rest + rest * (square * eq_sin_terms(square))
                            : (1.0f - 0.5f * square) + (square * square) * eq_cos_terms(square);
    return which >= 2.0f ? -found : found;
}

#endif
