#include "eq/requantize.h"
#include "eq/requant.h"

/* One element: clamp(zero point + (x - zero point of the input) * factor). */
static int32_t converted(const eq_requantize_params *p, int32_t x, int32_t low, int32_t high, eq_rounding rounding)
{
    const int32_t scaled = eq_multiply(x - p->from_zero_point, p->mantissa, p->shift, rounding);
    const int64_t moved = (int64_t)scaled + p->to_zero_point;
    return moved < low ? low : moved > high ? high : (int32_t)moved;
}

#define EQ_CONVERT(from, to, low, high, suffix, rounding)                                                              \
    void eq_requantize_##from##_##to##_ref_##suffix(const eq_requantize_params *p, const from##_t *input,              \
                                                    to##_t *output)                                                    \
    {                                                                                                                  \
        for (int32_t i = 0; i < p->size; i++) {                                                                        \
            output[i] = (to##_t)converted(p, input[i], low, high, rounding);                                           \
        }                                                                                                              \
    }
#define DEFINE(suffix, rounding)                                                                                       \
    EQ_CONVERT(int16, int8, -128, 127, suffix, rounding)                                                               \
    EQ_CONVERT(int8, int16, INT16_MIN, INT16_MAX, suffix, rounding)                                                    \
    EQ_CONVERT(int16, int16, INT16_MIN, INT16_MAX, suffix, rounding)                                                   \
    EQ_CONVERT(int8, int32, INT32_MIN, INT32_MAX, suffix, rounding)                                                    \
    EQ_CONVERT(int16, int32, INT32_MIN, INT32_MAX, suffix, rounding)                                                   \
    EQ_CONVERT(int32, int8, -128, 127, suffix, rounding)
EQ_FOR_EACH_ROUNDING(DEFINE)
