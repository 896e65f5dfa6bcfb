#include "eq/fully_connected_thumb.h"
#include "eq/thumb2.h"
#include "eq/thumb_inline.h"
#include "fours.h"

EQ_FLATTEN void fully_connected(const eq_fully_connected_params *p, const int8_t *input, int8_t *output,
                                eq_rounding rounding)
{
    for (int32_t row = 0; row < p->rows; row++, input += p->in_c, output += p->out_c) {
        const int8_t *weights = p->weights;
        int32_t total = 0;
        for (int32_t k = 0; k < p->in_c; k++) {
            total += input[k];
        }
        for (int32_t c = 0; c < p->out_c; c += 4, weights += 4 * p->in_c) {
            int32_t sums[4];
            eq_thumb2_four_rows(weights, input, p->in_c, total * 128, sums);
            for (int32_t i = 0; i < 4 && c + i < p->out_c; i++) {
                const eq_thumb2_finish finish = EQ_THUMB2_FINISH(p, c + i, rounding);
                const int32_t acc = sums[i] + finish.twice_bias;
                output[c + i] =
                    finish.direct ? eq_thumb2_direct(&finish, acc) : eq_thumb2_rounded(&finish, acc, rounding);
            }
        }
    }
}

#define DEFINE(suffix, rounding)                                                                                       \
    void eq_fully_connected_thumb2_##suffix(const eq_fully_connected_params *p, const int8_t *input, int8_t *output)   \
    {                                                                                                                  \
        fully_connected(p, input, output, rounding);                                                                   \
    }
EQ_FOR_EACH_ROUNDING(DEFINE)
