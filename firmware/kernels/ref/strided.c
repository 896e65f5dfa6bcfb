#include "eq/strided.h"
#include "eq/copy.h"

void eq_strided_ref(const eq_strided_params *p, const int8_t *input, int8_t *output)
{
    static const int32_t none[EQ_MAX_RANK] = {0};
    const int32_t count = p->shape[EQ_MAX_RANK - 1], step = p->stride[EQ_MAX_RANK - 1];
    eq_walk walk = eq_walk_start(input + p->offset, input);
    do {
        if (step == 1) {
            eq_copy(output, walk.first, count);
        } else {
            for (int32_t i = 0; i < count; i++) {
                output[i] = walk.first[i * step];
            }
        }
        output += count;
    } while (eq_walk_next(&walk, p->shape, p->stride, none));
}

void eq_strided_int16_ref(const eq_strided_params *p, const int16_t *input, int16_t *output)
{
    eq_strided_ref(p, (const int8_t *)input, (int8_t *)output);
}

void eq_strided_float32_ref(const eq_strided_params *p, const float *input, float *output)
{
    eq_strided_ref(p, (const int8_t *)input, (int8_t *)output);
}
