#include "eq/fully_connected_grouped_int16.h"
#include "eq/packed.h"
#include "eq/requant16.h"

#include <stddef.h>

/* Stores every output, `requantize` of a `sum` that begins with `start`. zeros: zero-points of groups, for which there
 * are as many words of totals, or NULL. */
#define DEFINE(name, sum, start, requantize)                                                                           \
    static inline void name(const eq_fully_connected_grouped_int16_params *p, const int8_t *zeros,                     \
                            const int16_t *input, int16_t *output, int32_t *totals)                                    \
    {                                                                                                                  \
        for (int32_t row = 0; row < p->rows; row++, input += p->in_c) {                                                \
            const uint8_t *factor = p->factors;                                                                        \
            const int8_t *zero = zeros;                                                                                \
            int32_t index = 0;                                                                                         \
            for (int32_t c = 0, g = 0; zeros && c < p->in_c; g++) {                                                    \
                const int32_t end = p->in_c - c < p->group ? p->in_c : c + p->group;                                   \
                for (totals[g] = 0; c < end; c++) {                                                                    \
                    totals[g] += input[c];                                                                             \
                }                                                                                                      \
            }                                                                                                          \
            for (int32_t oc = 0; oc < p->out_c; oc++) {                                                                \
                sum acc = start(p, oc);                                                                                \
                for (int32_t first = 0, g = 0; first < p->in_c; first += p->group, g++) {                              \
                    const int32_t end = p->in_c - first < p->group ? p->in_c : first + p->group;                       \
                    sum part = zeros ? -(sum)totals[g] * *zero++ : 0;                                                  \
                    for (int32_t c = first; c < end; c++, index++) {                                                   \
                        part += input[c] * eq_weight(p->weights, index, p->weight_bits);                               \
                    }                                                                                                  \
                    acc += part * *factor++;                                                                           \
                }                                                                                                      \
                *output++ = requantize(acc, p->mantissa[oc], p->shift[oc], p->qmin, p->qmax);                          \
            }                                                                                                          \
        }                                                                                                              \
    }

DEFINE(in_32_bits, int32_t, EQ_BIAS32, eq_requantize16)
DEFINE(in_64_bits, int64_t, EQ_BIAS64, eq_requantize16_wide)

void eq_fully_connected_grouped_int16_ref(const eq_fully_connected_grouped_int16_params *p, const int16_t *input,
                                          int16_t *output)
{
    in_32_bits(p, NULL, input, output, NULL);
}

void eq_fully_connected_grouped_int16_ref_wide(const eq_fully_connected_grouped_int16_params *p, const int16_t *input,
                                               int16_t *output)
{
    in_64_bits(p, NULL, input, output, NULL);
}

void eq_fully_connected_grouped_zeros_int16_ref(const eq_fully_connected_grouped_zeros_int16_params *p,
                                                const int16_t *input, int16_t *output, void *scratch)
{
    in_32_bits(&p->layer, p->zeros, input, output, scratch);
}

void eq_fully_connected_grouped_zeros_int16_ref_wide(const eq_fully_connected_grouped_zeros_int16_params *p,
                                                     const int16_t *input, int16_t *output, void *scratch)
{
    in_64_bits(&p->layer, p->zeros, input, output, scratch);
}
