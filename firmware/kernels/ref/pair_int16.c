#include "eq/pair_int16.h"

#include "eq/broadcast_int16.h"
#include "eq/requant16.h"

enum { EXTRA_BITS = 15, FINER_BITS = 14 };

static inline int32_t sum(const eq_add_int16_params *p, int32_t x, int32_t y)
{
    return eq_clamp((x * p->a_factor + y * p->b_factor + p->offset) >> p->right_shift, p->qmin, p->qmax);
}

static inline int32_t twice_rounded_sum(const eq_add_int16_double_params *p, int32_t x, int32_t y)
{
    const int32_t one = 1 << EXTRA_BITS;
    const int32_t a = eq_multiply(x * one, p->a_mantissa, p->a_shift, EQ_DOUBLE);
    const int32_t b = eq_multiply(y * one, p->b_mantissa, p->b_shift, EQ_DOUBLE);
    return eq_requantize16_double(p->a_sign * a + p->b_sign * b, p->mantissa, p->shift, p->qmin, p->qmax);
}

static inline int32_t twice_rounded_product(const eq_mul_int16_params *p, int32_t x, int32_t y)
{
    return eq_requantize16_double(x * y, p->mantissa, p->shift, p->qmin, p->qmax);
}

static inline int32_t product(const eq_mul_int16_params *p, int32_t x, int32_t y)
{
    return eq_requantize16(x * y, p->mantissa, p->shift, p->qmin, p->qmax);
}

static inline int32_t compared(const eq_compare_int16_params *p, int32_t x, int32_t y)
{
    const int32_t a = eq_multiply(x * (1 << FINER_BITS), p->a_mantissa, p->a_shift, EQ_SINGLE);
    const int32_t b = eq_multiply(y * (1 << FINER_BITS), p->b_mantissa, p->b_shift, EQ_SINGLE);
    return a < b ? p->less : a > b ? p->greater : p->equal;
}

void eq_add_int16_ref(const eq_add_int16_params *p, const int16_t *a, const int16_t *b, int16_t *output)
{
    EQ_FOR_EACH_PAIR16(p, a, b, output, sum(p, x, y));
}

void eq_add_int16_const_ref(const eq_add_int16_params *p, const int16_t *a, int16_t *output)
{
    EQ_FOR_EACH_PAIR16(p, a, p->constant, output, sum(p, x, y));
}

void eq_add_int16_ref_double(const eq_add_int16_double_params *p, const int16_t *a, const int16_t *b, int16_t *output)
{
    EQ_FOR_EACH_PAIR16(p, a, b, output, twice_rounded_sum(p, x, y));
}

void eq_add_int16_const_ref_double(const eq_add_int16_double_params *p, const int16_t *a, int16_t *output)
{
    EQ_FOR_EACH_PAIR16(p, a, p->constant, output, twice_rounded_sum(p, x, y));
}

void eq_mul_int16_ref(const eq_mul_int16_params *p, const int16_t *a, const int16_t *b, int16_t *output)
{
    EQ_FOR_EACH_PAIR16(p, a, b, output, product(p, x, y));
}

void eq_mul_int16_const_ref(const eq_mul_int16_params *p, const int16_t *a, int16_t *output)
{
    EQ_FOR_EACH_PAIR16(p, a, p->constant, output, product(p, x, y));
}

void eq_mul_int16_ref_double(const eq_mul_int16_params *p, const int16_t *a, const int16_t *b, int16_t *output)
{
    EQ_FOR_EACH_PAIR16(p, a, b, output, twice_rounded_product(p, x, y));
}

void eq_mul_int16_const_ref_double(const eq_mul_int16_params *p, const int16_t *a, int16_t *output)
{
    EQ_FOR_EACH_PAIR16(p, a, p->constant, output, twice_rounded_product(p, x, y));
}

void eq_minimum_int16_ref(const eq_minmax_int16_params *p, const int16_t *a, const int16_t *b, int16_t *output)
{
    EQ_FOR_EACH_PAIR16(p, a, b, output, x < y ? x : y);
}

void eq_minimum_int16_const_ref(const eq_minmax_int16_params *p, const int16_t *a, int16_t *output)
{
    EQ_FOR_EACH_PAIR16(p, a, p->constant, output, x < y ? x : y);
}

void eq_maximum_int16_ref(const eq_minmax_int16_params *p, const int16_t *a, const int16_t *b, int16_t *output)
{
    EQ_FOR_EACH_PAIR16(p, a, b, output, x > y ? x : y);
}

void eq_maximum_int16_const_ref(const eq_minmax_int16_params *p, const int16_t *a, int16_t *output)
{
    EQ_FOR_EACH_PAIR16(p, a, p->constant, output, x > y ? x : y);
}

void eq_compare_int16_ref(const eq_compare_int16_params *p, const int16_t *a, const int16_t *b, int16_t *output)
{
    EQ_FOR_EACH_PAIR16(p, a, b, output, compared(p, x, y));
}

void eq_compare_int16_const_ref(const eq_compare_int16_params *p, const int16_t *a, int16_t *output)
{
    EQ_FOR_EACH_PAIR16(p, a, p->constant, output, compared(p, x, y));
}
