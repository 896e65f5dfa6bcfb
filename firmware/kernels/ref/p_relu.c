#include "eq/p_relu.h"
#include "eq/requant.h"

static inline int32_t rectified(const eq_p_relu_params *p, int32_t x, int32_t y, eq_rounding rounding)
{
    const int32_t value = x - p->a_zero_point;
    if (value >= 0) {
        return eq_requantize(value, p->above_mantissa, p->above_shift, p->zero_point, -128, 127, rounding);
    }
    return eq_requantize(value * (y - p->b_zero_point), p->below_mantissa, p->below_shift, p->zero_point, -128, 127,
                         rounding);
}

#define DEFINE(suffix, rounding)                                                                                       \
    void eq_p_relu_ref_##suffix(const eq_p_relu_params *p, const int8_t *a, const int8_t *b, int8_t *output)           \
    {                                                                                                                  \
        EQ_FOR_EACH_PAIR(p, a, b, output, rectified(p, x, y, rounding));                                               \
    }                                                                                                                  \
    void eq_p_relu_const_ref_##suffix(const eq_p_relu_params *p, const int8_t *a, int8_t *output)                      \
    {                                                                                                                  \
        EQ_FOR_EACH_PAIR(p, a, p->constant, output, rectified(p, x, y, rounding));                                     \
    }
EQ_FOR_EACH_ROUNDING(DEFINE)
