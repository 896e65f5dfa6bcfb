#include "eq/fully_connected_grouped.h"
#include "eq/packed.h"
#include "eq/requant.h"

#include <stddef.h>

/* zeros: zero-points of groups, for which there are as many words of totals, or NULL. */
static inline void fully_connected(const eq_fully_connected_grouped_params *p, const int8_t *zeros, const int8_t *input,
                                   int8_t *output, int32_t *totals, eq_rounding rounding)
{
    for (int32_t row = 0; row < p->rows; row++, input += p->in_c) {
        const uint8_t *factor = p->factors;
        const int8_t *zero = zeros;
        int32_t index = 0;
        for (int32_t c = 0, g = 0; zeros && c < p->in_c; g++) {
            const int32_t end = p->in_c - c < p->group ? p->in_c : c + p->group;
            for (totals[g] = 0; c < end; c++) {
                totals[g] += input[c];
            }
        }
        for (int32_t oc = 0; oc < p->out_c; oc++) {
            int32_t acc = p->bias[oc];
            for (int32_t start = 0, g = 0; start < p->in_c; start += p->group, g++) {
                const int32_t end = p->in_c - start < p->group ? p->in_c : start + p->group;
                int32_t part = zeros ? -*zero++ * totals[g] : 0;
                for (int32_t c = start; c < end; c++, index++) {
                    part += input[c] * eq_weight(p->weights, index, p->weight_bits);
                }
                acc += part * *factor++;
            }
            *output++ = eq_requantize(acc, p->mantissa[oc], p->shift[oc], p->zero_point, p->qmin, p->qmax, rounding);
        }
    }
}

#define DEFINE(suffix, rounding)                                                                                       \
    void eq_fully_connected_grouped_ref_##suffix(const eq_fully_connected_grouped_params *p, const int8_t *input,      \
                                                 int8_t *output)                                                       \
    {                                                                                                                  \
        fully_connected(p, NULL, input, output, NULL, rounding);                                                       \
    }                                                                                                                  \
    void eq_fully_connected_grouped_zeros_ref_##suffix(const eq_fully_connected_grouped_zeros_params *p,               \
                                                       const int8_t *input, int8_t *output, void *scratch)             \
    {                                                                                                                  \
        fully_connected(&p->layer, p->zeros, input, output, scratch, rounding);                                        \
    }
EQ_FOR_EACH_ROUNDING(DEFINE)
