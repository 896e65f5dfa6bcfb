#include "eq/top.h"

/* The walk over all lines: again and again the best element behind the last one; `result` is said of `from`, the line,
 * and of `at`, the element of it. Of equal elements the first is the best. */
#define EQ_TOP(element, p, input, output, result)                                                                      \
    do {                                                                                                               \
        for (int32_t block = 0; block < (p)->outer; block++) {                                                         \
            for (int32_t i = 0; i < (p)->inner; i++) {                                                                 \
                const element *from = (input) + (block * (p)->size * (p)->inner + i);                                  \
                int32_t last = -1;                                                                                     \
                for (int32_t n = 0; n < (p)->count; n++) {                                                             \
                    int32_t best = -1;                                                                                 \
                    for (int32_t k = 0; k < (p)->size; k++) {                                                          \
                        const element value = from[k * (p)->inner];                                                    \
                        if (last >= 0) {                                                                               \
                            const element before = from[last * (p)->inner];                                            \
                            if (!((p)->smallest ? value > before : value < before) &&                                  \
                                !(value == before && k > last)) {                                                      \
                                continue;                                                                              \
                            }                                                                                          \
                        }                                                                                              \
                        if (best < 0        ? value == value                                                           \
                            : (p)->smallest ? value < from[best * (p)->inner]                                          \
                                            : value > from[best * (p)->inner]) {                                       \
                            best = k;                                                                                  \
                        }                                                                                              \
                    }                                                                                                  \
                    last = best < 0 ? last : best;                                                                     \
                    const int32_t at = best < 0 ? 0 : best;                                                            \
                    (output)[(block * (p)->count + n) * (p)->inner + i] = (result);                                    \
                }                                                                                                      \
            }                                                                                                          \
        }                                                                                                              \
    } while (0)

void eq_top_values_ref(const eq_top_params *p, const int8_t *input, int8_t *output)
{
    EQ_TOP(int8_t, p, input, output, from[at * p->inner]);
}

void eq_top_indices_ref(const eq_top_params *p, const int8_t *input, int32_t *output)
{
    EQ_TOP(int8_t, p, input, output, ((void)from, at));
}

void eq_top_values_int16_ref(const eq_top_params *p, const int16_t *input, int16_t *output)
{
    EQ_TOP(int16_t, p, input, output, from[at * p->inner]);
}

void eq_top_values_float32_ref(const eq_top_params *p, const float *input, float *output)
{
    EQ_TOP(float, p, input, output, from[at * p->inner]);
}

void eq_top_indices_float32_ref(const eq_top_params *p, const float *input, int32_t *output)
{
    EQ_TOP(float, p, input, output, ((void)from, at));
}
