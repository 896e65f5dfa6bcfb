/* Requantization to int16: the rounding WIDE of edgeq/numerics/fixedpoint.py, bit for bit. */
#ifndef EQ_REQUANT16_H
#define EQ_REQUANT16_H

#include "eq/requant.h"

/* clamp(acc · m, qmin, qmax) for an accumulator below 2^47, rounded once, halves upwards. The lower 16 bits of the
 * product cannot reach the result, since shift is at most 14. */
static inline int16_t eq_requantize16_wide(int64_t acc, int32_t mantissa, int32_t shift, int32_t qmin, int32_t qmax)
{
    const int64_t product = (acc >> 16) * mantissa + (((acc & 0xFFFF) * mantissa) >> 16);
    const int32_t total = 15 - shift;
    const int64_t scaled = (product + ((int64_t)1 << (total - 1))) >> total;
    return (int16_t)(scaled < qmin ? qmin : scaled > qmax ? qmax : scaled);
}

/* floor(a * m / 2^14) for a in 0 ... 2^14 - 1; 0 <= m < 2^31 */
static inline uint32_t eq_small_product(uint32_t a, int32_t m)
{
#if defined(__thumb__) && !defined(__thumb2__)
    return (a * ((uint32_t)m >> 16) << 2) + (a * ((uint32_t)m & 0xffffU) >> 14);
#else
    return (uint32_t)((uint64_t)(a << 18) * (uint32_t)m >> 32);
#endif
}

/* The same for factors below 1/4 (shift <= -2) and an accumulator below 2^45, in fewer instructions. */
static inline int16_t eq_requantize16_long(int64_t acc, int32_t mantissa, int32_t shift, int32_t qmin, int32_t qmax)
{
    const uint32_t low = (uint32_t)((uint64_t)acc & 0xffffffffU);
    int32_t high, right;
    if (shift >= -15) {
        /* What does not fit 32 bits leaves the bounds. */
        int32_t narrow = (int32_t)low;
        if (narrow >> 31 != (int32_t)(acc >> 32)) {
            narrow = acc < 0 ? INT32_MIN : INT32_MAX;
        }
        high = eq_high_of_sum(narrow, mantissa, 0), right = -1 - shift;
    } else {
        /* The product divided by 2^14, of which the upper half has the result and the bit that rounds it. */
        const uint32_t rest = eq_small_product(low & 0x3fffU, mantissa);
        high = eq_high_of_sum((int32_t)(acc >> 14), mantissa, rest), right = -15 - shift;
    }
    return (int16_t)eq_clamp((high + (1 << (right - 1))) >> right, qmin, qmax);
}

/* The bias of an output channel. */
#define EQ_BIAS32(p, oc) ((p)->bias[oc])
#define EQ_BIAS64(p, oc)                                                                                               \
    ((p)->bias[oc] + ((p)->bias_upper ? (int64_t)(p)->bias_upper[oc] * ((int64_t)1 << 32) : (int64_t)0))

/* The same of an accumulator of 32 bits. */
static inline int16_t eq_requantize16(int32_t acc, int32_t mantissa, int32_t shift, int32_t qmin, int32_t qmax)
{
    return (int16_t)eq_clamp(eq_multiply(acc, mantissa, shift, EQ_SINGLE), qmin, qmax);
}

/* The same rounded twice: DOUBLE. */
static inline int16_t eq_requantize16_double(int32_t acc, int32_t mantissa, int32_t shift, int32_t qmin, int32_t qmax)
{
    return (int16_t)eq_clamp(eq_multiply(acc, mantissa, shift, EQ_DOUBLE), qmin, qmax);
}

#endif
