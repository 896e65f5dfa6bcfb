#include "eq/fully_connected_grouped_dsp.h"

#include "requant.h"
#include "rows.h"

EQ_INLINE void fully_connected(const eq_fully_connected_grouped_dsp_params *p, const int8_t *input, int8_t *output,
                               int8_t *buffer, eq_rounding rounding)
{
    for (int32_t row = 0; row < p->rows; row++, input += p->in_c, output += p->out_c) {
        const int32_t *w = p->weights;
        for (int32_t c = 0; c < p->out_c; c += 4) {
            int32_t sums[4] = {w[0], w[1], w[2], w[3]};
            w += 4;
            for (int32_t k = 0; k < p->in_c; k += p->group) {
                const int32_t some = p->in_c - k < p->group ? p->in_c - k : p->group;
                const uint32_t factors = (uint32_t)*w++;
                int32_t own[4];
                const eq_dsp_one_row t = {eq_dsp_row_in_fours(input + k, some, buffer), own};
                w = eq_dsp_multiply_one(&t, w);
                for (int32_t i = 0; i < 4; i++) {
                    sums[i] += own[i] * (int32_t)(factors >> (8 * i) & 0xffU);
                }
            }
            for (int32_t i = 0; i < 4 && c + i < p->out_c; i++) {
                output[c + i] = eq_dsp_requantize(sums[i], p->mantissa[c + i], p->shift[c + i], p->zero_point, p->qmin,
                                                  p->qmax, rounding);
            }
        }
    }
}

#define DEFINE(suffix, rounding)                                                                                       \
    void eq_fully_connected_grouped_dsp_##suffix(const eq_fully_connected_grouped_dsp_params *p, const int8_t *input,  \
                                                 int8_t *output, void *scratch)                                        \
    {                                                                                                                  \
        fully_connected(p, input, output, scratch, rounding);                                                          \
    }
EQ_FOR_EACH_ROUNDING(DEFINE)
