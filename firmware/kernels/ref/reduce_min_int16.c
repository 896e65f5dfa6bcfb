#include "eq/reduce_min.h"

void eq_reduce_min_int16_ref(const eq_reduce_min_params *p, const int16_t *input, int16_t *output)
{
    const int32_t outputs = eq_reduce_count(p->keep);
    const int32_t count = eq_reduce_count(p->fold);
    for (int32_t i = 0; i < outputs; i++) {
        const int16_t *from = input + eq_reduce_offset(i, p->keep, p->keep_stride);
        int16_t found = *from;
        for (int32_t k = 1; k < count; k++) {
            const int16_t value = from[eq_reduce_offset(k, p->fold, p->fold_stride)];
            found = value < found ? value : found;
        }
        output[i] = found;
    }
}
