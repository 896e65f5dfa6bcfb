#include "eq/mul.h"
#include "eq/requant.h"

static inline int32_t product(const eq_mul_params *p, int32_t x, int32_t y, eq_rounding rounding)
{
    return eq_requantize((x - p->a_zero_point) * (y - p->b_zero_point), p->mantissa, p->shift, p->zero_point, p->qmin,
                         p->qmax, rounding);
}

#define DEFINE(suffix, rounding)                                                                                       \
    void eq_mul_ref_##suffix(const eq_mul_params *p, const int8_t *a, const int8_t *b, int8_t *output)                 \
    {                                                                                                                  \
        EQ_FOR_EACH_PAIR(p, a, b, output, product(p, x, y, rounding));                                                 \
    }                                                                                                                  \
    void eq_mul_const_ref_##suffix(const eq_mul_params *p, const int8_t *a, int8_t *output)                            \
    {                                                                                                                  \
        EQ_FOR_EACH_PAIR(p, a, p->constant, output, product(p, x, y, rounding));                                       \
    }
EQ_FOR_EACH_ROUNDING(DEFINE)
