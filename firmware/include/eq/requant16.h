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
