#include "eq/mean.h"
#include "eq/requant16.h"

/* The sum of the elements that belong to an output. */
static inline int64_t sum(const eq_reduce_params *p, const int16_t *input, int32_t index)
{
    const int32_t inner = p->fold[EQ_REDUCE_DIMS - 1], step = p->fold_stride[EQ_REDUCE_DIMS - 1];
    const int32_t count = eq_reduce_count(p->fold);
    const int16_t *from = input + eq_reduce_offset(index, p->keep, p->keep_stride);
    int64_t total = 0;
    for (int32_t k = 0; k < count; k += inner) {
        const int16_t *in = from + eq_reduce_offset(k, p->fold, p->fold_stride);
        for (int32_t j = 0; j < inner; j++, in += step) {
            total += *in;
        }
    }
    return total;
}

void eq_mean_int16_ref(const eq_reduce_params *p, const int16_t *input, int16_t *output)
{
    const int32_t outputs = eq_reduce_count(p->keep);
    for (int32_t i = 0; i < outputs; i++) {
        output[i] = eq_requantize16_wide(sum(p, input, i), p->mantissa, p->shift, p->qmin, p->qmax);
    }
}

void eq_mean_int16_ref_double(const eq_reduce_params *p, const int16_t *input, int16_t *output)
{
    const int32_t outputs = eq_reduce_count(p->keep);
    for (int32_t i = 0; i < outputs; i++) {
        output[i] = eq_requantize16_double(eq_saturate32(sum(p, input, i)), p->mantissa, p->shift, p->qmin, p->qmax);
    }
}
