#include "eq/reduce_float32.h"

#include "eq/float32.h"

/* Stores `result`, an expression of `total` and `count`; `total` starts with `first` and becomes `next` with every
 * element x, in their order. */
#define FOR_EACH_SET(p, input, output, first, next, result)                                                            \
    do {                                                                                                               \
        const int32_t outputs = eq_reduce_count((p)->keep);                                                            \
        const int32_t count = eq_reduce_count((p)->fold);                                                              \
        for (int32_t i = 0; i < outputs; i++) {                                                                        \
            const float *from = (input) + eq_reduce_offset(i, (p)->keep, (p)->keep_stride);                            \
            float total = first;                                                                                       \
            for (int32_t k = 0; k < count; k++) {                                                                      \
                const float x = from[eq_reduce_offset(k, (p)->fold, (p)->fold_stride)];                                \
                total = next;                                                                                          \
            }                                                                                                          \
            (output)[i] = eq_number(result);                                                                           \
        }                                                                                                              \
    } while (0)

void eq_mean_float32_ref(const eq_reduce_float32_params *p, const float *input, float *output)
{
    FOR_EACH_SET(p, input, output, 0.0f, total + x, eq_quotient(total, (float)count));
}

void eq_sum_float32_ref(const eq_reduce_float32_params *p, const float *input, float *output)
{
    FOR_EACH_SET(p, input, output, 0.0f, total + x, total);
}

void eq_reduce_max_float32_ref(const eq_reduce_float32_params *p, const float *input, float *output)
{
    FOR_EACH_SET(p, input, output, -EQ_GREATEST, x > total ? x : total, total);
}

void eq_reduce_min_float32_ref(const eq_reduce_float32_params *p, const float *input, float *output)
{
    FOR_EACH_SET(p, input, output, EQ_GREATEST, x < total ? x : total, total);
}
