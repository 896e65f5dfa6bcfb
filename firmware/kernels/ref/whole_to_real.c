#include "eq/whole_to_real.h"
#include "eq/requant16.h"

/* Element k of an output's row, a whole number. */
#define EQ_CHOSEN(p, input, k)                                                                                         \
    ((p)->columns ? eq_saturate32((int64_t)(input)[(p)->columns[k]] * (p)->directions[k] + (p)->addends[k])            \
                  : (input)[k])

#define DEFINE(suffix, rounding)                                                                                       \
    void eq_whole_to_real_ref_##suffix(const eq_whole_to_real_params *p, const int32_t *input, int8_t *output)         \
    {                                                                                                                  \
        for (int32_t row = 0; row < p->rows; row++) {                                                                  \
            for (int32_t k = 0; k < p->count; k++) {                                                                   \
                *output++ = eq_requantize(EQ_CHOSEN(p, input, k), p->mantissa, p->shift, p->zero_point, p->qmin,       \
                                          p->qmax, rounding);                                                          \
            }                                                                                                          \
            input += p->step;                                                                                          \
        }                                                                                                              \
    }
EQ_FOR_EACH_ROUNDING(DEFINE)

void eq_whole_to_real_int16_ref(const eq_whole_to_real_params *p, const int32_t *input, int16_t *output)
{
    for (int32_t row = 0; row < p->rows; row++) {
        for (int32_t k = 0; k < p->count; k++) {
            const int64_t finer = 4 * (int64_t)EQ_CHOSEN(p, input, k); /* for factors of up to 2^15 */
            *output++ = eq_requantize16_wide(finer, p->mantissa, p->shift, p->qmin, p->qmax);
        }
        input += p->step;
    }
}
