#include "eq/mean.h"
#include "eq/requant.h"

static inline void mean(const eq_reduce_params *p, const int8_t *input, int8_t *output, eq_rounding rounding)
{
    const int32_t outputs = eq_reduce_count(p->keep);
    for (int32_t i = 0; i < outputs; i++) {
        const int8_t *from = input + eq_reduce_offset(i, p->keep, p->keep_stride);
        const int32_t total = eq_reduce_sum(p->fold, p->fold_stride, from) + p->offset;
        output[i] = eq_requantize(total, p->mantissa, p->shift, p->zero_point, p->qmin, p->qmax, rounding);
    }
}

#define DEFINE(suffix, rounding)                                                                                       \
    void eq_mean_ref_##suffix(const eq_reduce_params *p, const int8_t *input, int8_t *output)                          \
    {                                                                                                                  \
        mean(p, input, output, rounding);                                                                              \
    }
EQ_FOR_EACH_ROUNDING(DEFINE)
