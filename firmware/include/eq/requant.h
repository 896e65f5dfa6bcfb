/* Requantization: the C twin of edgeq/numerics/fixedpoint.py, bit for bit.
 *
 * Right shifts of negative numbers are arithmetic here; C99 leaves that to the compiler, and every compiler that edgeq
 * supports does it. */
#ifndef EQ_REQUANT_H
#define EQ_REQUANT_H

#include <stdint.h>

typedef enum { EQ_FAST, EQ_SINGLE, EQ_DOUBLE } eq_rounding;

/* Expands X(suffix, rounding) for each rounding: how a kernel file defines its three functions from one body. */
#define EQ_FOR_EACH_ROUNDING(X) X(fast, EQ_FAST) X(single, EQ_SINGLE) X(double, EQ_DOUBLE)

static inline int32_t eq_clamp(int32_t x, int32_t low, int32_t high)
{
    return x < low ? low : x > high ? high : x;
}

static inline int32_t eq_saturate32(int64_t x)
{
    return x < INT32_MIN ? INT32_MIN : x > INT32_MAX ? INT32_MAX : (int32_t)x;
}

/* x · 2^shift, saturated; shift in 0..31. */
static inline int32_t eq_shift_left(int32_t x, int32_t shift)
{
    return eq_saturate32((int64_t)x * ((int64_t)1 << shift));
}

/* round(a · b / 2^31), halves upwards. */
static inline int32_t eq_doubling_high_multiply(int32_t a, int32_t b)
{
    return eq_saturate32(((int64_t)a * b + ((int64_t)1 << 30)) >> 31);
}

/* round(x / 2^exponent), halves away from zero; exponent in 0..31. */
static inline int32_t eq_rounding_divide_by_pot(int32_t x, int32_t exponent)
{
    const int32_t mask = (int32_t)(((uint32_t)1 << exponent) - 1U);
    const int32_t threshold = (mask >> 1) + (x < 0 ? 1 : 0);
    return (x >> exponent) + ((x & mask) > threshold ? 1 : 0);
}

/* floor((a * m + rest) / 2^32); 0 <= m < 2^31 */
static inline int32_t eq_high_of_sum(int32_t a, int32_t m, uint32_t rest)
{
#if defined(__thumb__) && !defined(__thumb2__) /* in products of 32 bits: compilers call a library for those of 64 */
    const uint32_t below = (uint32_t)a & 0xffffU, m_below = (uint32_t)m & 0xffffU;
    const int32_t above = a >> 16, m_above = m >> 16;
    const int32_t first = above * (int32_t)m_below;
    const uint32_t second = below * (uint32_t)m_above, low = below * m_below;
    const uint32_t carry = ((low & 0xffffU) + (rest & 0xffffU)) >> 16;
    const uint32_t middle = (low >> 16) + (rest >> 16) + ((uint32_t)first & 0xffffU) + (second & 0xffffU) + carry;
    return above * m_above + (first >> 16) + (int32_t)(second >> 16) + (int32_t)(middle >> 16);
#else
    return (int32_t)(((int64_t)a * m + rest) >> 32);
#endif
}

/* acc · m, where (mantissa, shift) stand for m as edgeq.numerics.fixedpoint.quantize_multiplier gives them. */
static inline int32_t eq_multiply(int32_t acc, int32_t mantissa, int32_t shift, eq_rounding rounding)
{
    if (rounding == EQ_FAST) {
        const int32_t x = shift ? eq_shift_left(acc, shift) : acc;
        return (int32_t)(((int64_t)x * mantissa + ((int64_t)1 << 30)) >> 31);
    }
    if (rounding == EQ_SINGLE && shift < -1) { /* the lower half of the product cannot reach the result */
        const int32_t right = -1 - shift;
        return (eq_high_of_sum(acc, mantissa, 0) + (1 << (right - 1))) >> right;
    }
    const int64_t product = (int64_t)acc * mantissa;
    if (rounding == EQ_SINGLE) {
        const int32_t total = 31 - shift;
        return eq_saturate32((product + ((int64_t)1 << (total - 1))) >> total);
    }
    if (shift >= 0) {
        return eq_doubling_high_multiply(eq_shift_left(acc, shift), mantissa);
    }
    /* eq_doubling_high_multiply and eq_rounding_divide_by_pot of what is never -2^31. */
    const int32_t high = (int32_t)((product + ((int64_t)1 << 30)) >> 31);
    return (((high + (high >> 31)) >> (-shift - 1)) + 1) >> 1;
}

/* clamp(zero_point + acc · m, qmin, qmax) */
static inline int8_t eq_requantize(int32_t acc, int32_t mantissa, int32_t shift, int32_t zero_point, int32_t qmin,
                                   int32_t qmax, eq_rounding rounding)
{
    /* The product can be near the ends of int32; leave room for the zero-point. */
    const int32_t scaled = eq_clamp(eq_multiply(acc, mantissa, shift, rounding), -(1 << 30), 1 << 30);
    return (int8_t)eq_clamp(scaled + zero_point, qmin, qmax);
}

#endif
