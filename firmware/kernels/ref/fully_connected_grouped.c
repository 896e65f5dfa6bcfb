#include "eq/fully_connected_grouped.h"
#include "eq/packed.h"
#include "eq/requant.h"

static inline void fully_connected(const eq_fully_connected_grouped_params *p, const int8_t *input, int8_t *output,
                                   eq_rounding rounding)
{
    for (int32_t row = 0; row < p->rows; row++, input += p->in_c) {
        const uint8_t *factor = p->factors;
        int32_t index = 0;
        for (int32_t oc = 0; oc < p->out_c; oc++) {
            int32_t acc = p->bias[oc];
            for (int32_t start = 0; start < p->in_c; start += p->group) {
                const int32_t end = p->in_c - start < p->group ? p->in_c : start + p->group;
                int32_t part = 0;
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
        fully_connected(p, input, output, rounding);                                                                   \
    }
EQ_FOR_EACH_ROUNDING(DEFINE)
