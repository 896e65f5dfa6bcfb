#include "eq/compare.h"
#include "eq/requant.h"

static inline int32_t compared(const eq_compare_params *p, int32_t x, int32_t y, eq_rounding rounding)
{
    const int32_t a = eq_multiply((x - p->a_zero_point) * p->finer, p->a_mantissa, p->a_shift, rounding);
    const int32_t b = eq_multiply((y - p->b_zero_point) * p->finer, p->b_mantissa, p->b_shift, rounding);
    return a < b ? p->less : a > b ? p->greater : p->equal;
}

#define DEFINE(suffix, rounding)                                                                                       \
    void eq_compare_ref_##suffix(const eq_compare_params *p, const int8_t *a, const int8_t *b, int8_t *output)         \
    {                                                                                                                  \
        EQ_FOR_EACH_PAIR(p, a, b, output, compared(p, x, y, rounding));                                                \
    }                                                                                                                  \
    void eq_compare_const_ref_##suffix(const eq_compare_params *p, const int8_t *a, int8_t *output)                    \
    {                                                                                                                  \
        EQ_FOR_EACH_PAIR(p, a, p->constant, output, compared(p, x, y, rounding));                                      \
    }
EQ_FOR_EACH_ROUNDING(DEFINE)
