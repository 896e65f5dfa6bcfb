#include "eq/fully_connected_trellis.h"
#include "eq/requant.h"

static inline void fully_connected(const eq_fully_connected_trellis_params *p, const int8_t *input, int8_t *output,
                                   eq_rounding rounding)
{
    for (int32_t row = 0; row < p->rows; row++, input += p->in_c) {
        uint32_t index = 0;
        for (int32_t oc = 0; oc < p->out_c; oc++) {
            int32_t acc = p->bias[oc];
            uint32_t state = 0;
            for (int32_t c = 0; c < p->in_c; c++, index++) {
                state = state >> 2 | ((uint32_t)p->weights[index >> 2] >> 2U * (index & 3U) & 3U) << 6;
                acc += input[c] * p->table[state];
            }
            *output++ = eq_requantize(acc, p->mantissa[oc], p->shift[oc], p->zero_point, p->qmin, p->qmax, rounding);
        }
    }
}

#define DEFINE(suffix, rounding)                                                                                       \
    void eq_fully_connected_trellis_ref_##suffix(const eq_fully_connected_trellis_params *p, const int8_t *input,      \
                                                 int8_t *output)                                                       \
    {                                                                                                                  \
        fully_connected(p, input, output, rounding);                                                                   \
    }
EQ_FOR_EACH_ROUNDING(DEFINE)
