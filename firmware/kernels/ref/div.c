#include "eq/div.h"
#include "eq/gemmlowp.h"

#define LARGE (1 << 30)

static inline int32_t fast(const eq_div_params *p, int32_t numerator, int32_t denominator)
{
    const int64_t unit = (int64_t)denominator * ((int64_t)1 << p->shift);
    const int64_t scaled = (int64_t)numerator * p->mantissa + unit / 2;
    return eq_saturate32(scaled / unit - (scaled % unit < 0 ? 1 : 0));
}

/* Copies of the sign below the sign bit. */
static inline int32_t sign_bits(int32_t x)
{
    return x == 0 ? 31 : x > 0 ? eq_leading_zeros(x) - 1 : eq_leading_zeros(-2 * x - 1);
}

/* A numerator shifted to the top of 32 bits, times the reciprocal of the denominator, times the ratio of scales. */
static inline int32_t twice_rounded(const eq_div_params *p, int32_t numerator, int32_t denominator)
{
    int32_t above_one;
    const int32_t inverse = eq_reciprocal(denominator, 31, &above_one);
    const int32_t headroom = sign_bits(numerator);
    const int32_t top = (int32_t)((int64_t)numerator * ((int64_t)1 << headroom));
    const int32_t x = eq_doubling_high_multiply(eq_doubling_high_multiply(top, inverse), p->mantissa);
    const int32_t right = above_one + headroom - p->shift;
    if (right > 31) {
        return (x >> (right & 31)) + (x >= 0 ? 1 : 0); /* what LiteRT's shift by too many bits comes to */
    }
    return eq_rounding_divide_by_pot(x, right > 0 ? right : 0);
}

static inline int32_t quotient(const eq_div_params *p, int32_t x, int32_t y, eq_rounding rounding)
{
    const int32_t a = x - p->a_zero_point, b = y - p->b_zero_point;
    const int32_t divisor = p->swapped ? a : b, dividend = p->swapped ? b : a;
    const int32_t denominator = divisor < 0 ? -divisor : divisor, numerator = divisor < 0 ? -dividend : dividend;
    int32_t result;
    if (denominator == 0) {
        result = numerator > 0 ? LARGE : numerator < 0 ? -LARGE : 0;
    } else {
        result = rounding == EQ_FAST ? fast(p, numerator, denominator) : twice_rounded(p, numerator, denominator);
    }
    return eq_clamp(eq_clamp(result, -LARGE, LARGE) + p->zero_point, p->qmin, p->qmax);
}

void eq_div_ref_fast(const eq_div_params *p, const int8_t *a, const int8_t *b, int8_t *output)
{
    EQ_FOR_EACH_PAIR(p, a, b, output, quotient(p, x, y, EQ_FAST));
}

void eq_div_const_ref_fast(const eq_div_params *p, const int8_t *a, int8_t *output)
{
    EQ_FOR_EACH_PAIR(p, a, p->constant, output, quotient(p, x, y, EQ_FAST));
}

void eq_div_ref_double(const eq_div_params *p, const int8_t *a, const int8_t *b, int8_t *output)
{
    EQ_FOR_EACH_PAIR(p, a, b, output, quotient(p, x, y, EQ_DOUBLE));
}

void eq_div_const_ref_double(const eq_div_params *p, const int8_t *a, int8_t *output)
{
    EQ_FOR_EACH_PAIR(p, a, p->constant, output, quotient(p, x, y, EQ_DOUBLE));
}
