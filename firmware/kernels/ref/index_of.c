#include "eq/index_of.h"

/* The walk over all results, with a comparison that says whether a takes the place of b. */
#define EQ_INDEX_OF(element, p, input, output, better, better_or_equal)                                                \
    do {                                                                                                               \
        for (int32_t block = 0; block < (p)->outer; block++) {                                                         \
            for (int32_t i = 0; i < (p)->inner; i++) {                                                                 \
                const element *from = (input) + (block * (p)->count * (p)->inner + i);                                 \
                element best = *from;                                                                                  \
                int32_t found = 0;                                                                                     \
                for (int32_t k = 1; k < (p)->count; k++) {                                                             \
                    const element value = from[k * (p)->inner];                                                        \
                    if ((p)->last ? value better_or_equal best : value better best) {                                  \
                        best = value;                                                                                  \
                        found = k;                                                                                     \
                    }                                                                                                  \
                }                                                                                                      \
                *(output)++ = found;                                                                                   \
            }                                                                                                          \
        }                                                                                                              \
    } while (0)

void eq_arg_max_ref(const eq_index_of_params *p, const int8_t *input, int32_t *output)
{
    EQ_INDEX_OF(int8_t, p, input, output, >, >=);
}

void eq_arg_min_ref(const eq_index_of_params *p, const int8_t *input, int32_t *output)
{
    EQ_INDEX_OF(int8_t, p, input, output, <, <=);
}

void eq_arg_max_float32_ref(const eq_index_of_params *p, const float *input, int32_t *output)
{
    EQ_INDEX_OF(float, p, input, output, >, >=);
}

void eq_arg_min_float32_ref(const eq_index_of_params *p, const float *input, int32_t *output)
{
    EQ_INDEX_OF(float, p, input, output, <, <=);
}
