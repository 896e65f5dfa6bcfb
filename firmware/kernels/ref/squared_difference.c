#include "eq/squared_difference.h"
#include "eq/requant.h"

static inline int32_t square(const eq_squared_difference_params *p, int32_t x, int32_t y, eq_rounding rounding)
{
    const int32_t a = eq_multiply((x - p->a_zero_point) * 128, p->a_mantissa, p->a_shift, rounding);
    const int32_t b = eq_multiply((y - p->b_zero_point) * 128, p->b_mantissa, p->b_shift, rounding);
    return eq_requantize((a - b) * (a - b), p->mantissa, p->shift, p->zero_point, p->qmin, p->qmax, rounding);
}

#define DEFINE(suffix, rounding)                                                                                       \
    void eq_squared_difference_ref_##suffix(const eq_squared_difference_params *p, const int8_t *a, const int8_t *b,   \
                                            int8_t *output)                                                            \
    {                                                                                                                  \
        EQ_FOR_EACH_PAIR(p, a, b, output, square(p, x, y, rounding));                                                  \
    }                                                                                                                  \
    void eq_squared_difference_const_ref_##suffix(const eq_squared_difference_params *p, const int8_t *a,              \
                                                  int8_t *output)                                                      \
    {                                                                                                                  \
        EQ_FOR_EACH_PAIR(p, a, p->constant, output, square(p, x, y, rounding));                                        \
    }
EQ_FOR_EACH_ROUNDING(DEFINE)
