#include "eq/elementwise_thumb.h"
#include "eq/requant.h"
#include "eq/thumb_inline.h"

#define LAST (EQ_REDUCE_DIMS - 1)

static inline int32_t sum_of(const int8_t *x, int32_t count, int32_t step)
{
    int32_t total = 0;
    for (; count >= 4; count -= 4) {
        total += *x, x += step;
        total += *x, x += step;
        total += *x, x += step;
        total += *x, x += step;
    }
    for (; count > 0; count--, x += step) {
        total += *x;
    }
    return total;
}

EQ_FLATTEN void mean(const eq_reduce_params *p, const int8_t *input, int8_t *output, eq_rounding rounding)
{
    for (int32_t i = 0; i < p->keep[LAST]; i++, input += p->keep_stride[LAST]) {
        const int32_t total = sum_of(input, p->fold[LAST], p->fold_stride[LAST]) + p->offset;
        output[i] = eq_requantize(total, p->mantissa, p->shift, p->zero_point, p->qmin, p->qmax, rounding);
    }
}

#define DEFINE(suffix, rounding)                                                                                       \
    void eq_mean_thumb_##suffix(const eq_reduce_params *p, const int8_t *input, int8_t *output)                        \
    {                                                                                                                  \
        mean(p, input, output, rounding);                                                                              \
    }
EQ_FOR_EACH_ROUNDING(DEFINE)
