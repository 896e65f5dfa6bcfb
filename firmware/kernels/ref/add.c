#include "eq/add.h"
#include "eq/requant.h"

#define EXTRA_BITS 20

static inline int32_t fast(const eq_add_fast_params *p, int32_t x, int32_t y)
{
    return eq_clamp((x * p->a_factor + y * p->b_factor + p->offset) >> p->right_shift, p->qmin, p->qmax);
}

static inline int32_t twice_rounded(const eq_add_double_params *p, int32_t x, int32_t y)
{
    const int32_t one = 1 << EXTRA_BITS;
    const int32_t a = eq_multiply((x - p->a_zero_point) * one, p->a_mantissa, p->a_shift, EQ_DOUBLE);
    const int32_t b = eq_multiply((y - p->b_zero_point) * one, p->b_mantissa, p->b_shift, EQ_DOUBLE);
    return eq_requantize(p->a_sign * a + p->b_sign * b, p->mantissa, p->shift, p->zero_point, p->qmin, p->qmax,
                         EQ_DOUBLE);
}

void eq_add_ref_fast(const eq_add_fast_params *p, const int8_t *a, const int8_t *b, int8_t *output)
{
    EQ_FOR_EACH_PAIR(p, a, b, output, fast(p, x, y));
}

void eq_add_const_ref_fast(const eq_add_fast_params *p, const int8_t *a, int8_t *output)
{
    EQ_FOR_EACH_PAIR(p, a, p->constant, output, fast(p, x, y));
}

void eq_add_ref_double(const eq_add_double_params *p, const int8_t *a, const int8_t *b, int8_t *output)
{
    EQ_FOR_EACH_PAIR(p, a, b, output, twice_rounded(p, x, y));
}

void eq_add_const_ref_double(const eq_add_double_params *p, const int8_t *a, int8_t *output)
{
    EQ_FOR_EACH_PAIR(p, a, p->constant, output, twice_rounded(p, x, y));
}
