#include "eq/strided.h"
#include "eq/broadcast_int16.h"
#include "eq/copy.h"

EQ_WALK(eq_walk32, float)

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

/* Elements that do not follow each other are moved whole: their bytes are the last dimension. */
#define EQ_DEFINE_STRIDED(name, element, walk_type)                                                                    \
    void name(const eq_strided_params *p, const element *input, element *output)                                       \
    {                                                                                                                  \
        static const int32_t none[EQ_MAX_RANK] = {0};                                                                  \
        const int32_t size = (int32_t)sizeof *input;                                                                   \
        int32_t shape[EQ_MAX_RANK] = {1}, stride[EQ_MAX_RANK] = {0};                                                   \
        if (p->shape[EQ_MAX_RANK - 1] != size) {                                                                       \
            eq_strided_ref(p, (const int8_t *)input, (int8_t *)output);                                                \
            return;                                                                                                    \
        }                                                                                                              \
        for (int32_t d = 1; d < EQ_MAX_RANK; d++) {                                                                    \
            shape[d] = p->shape[d - 1];                                                                                \
            stride[d] = p->stride[d - 1] / size;                                                                       \
        }                                                                                                              \
        const int32_t count = shape[EQ_MAX_RANK - 1], step = stride[EQ_MAX_RANK - 1];                                  \
        walk_type walk = walk_type##_start(input + p->offset / size, input);                                           \
        do {                                                                                                           \
            const element *from = walk.first;                                                                          \
            for (int32_t i = count; i > 0; i--, from += step) {                                                        \
                *output++ = *from;                                                                                     \
            }                                                                                                          \
        } while (walk_type##_next(&walk, shape, stride, none));                                                        \
    }
EQ_DEFINE_STRIDED(eq_strided_int16_ref, int16_t, eq_walk16)
EQ_DEFINE_STRIDED(eq_strided_float32_ref, float, eq_walk32)
