#include "eq/fully_connected_thumb.h"
#include "eq/thumb.h"
#include "eq/thumb_inline.h"

EQ_FLATTEN void fully_connected(const eq_fully_connected_params *p, const int8_t *input, int8_t *output,
                                eq_rounding rounding)
{
    const eq_thumb_outputs outputs = {0, 1, eq_thumb_rounding(p->zero_point), p->qmin, p->qmax, 4};
    const int direct = eq_thumb_is_direct(rounding, p->shift, p->out_c);
    for (int32_t row = 0; row < p->rows; row++, input += p->in_c) {
        for (int32_t c = 0; c < p->out_c;) {
            /* One channel at a time, four times over, where fewer than four are left. */
            const int32_t count = p->out_c - c < 4 ? 1 : 4;
            int32_t sums[4];
            for (int32_t i = 0; i < 4; i++) {
                sums[i] = p->bias[c + (count == 4 ? i : 0)];
            }
            eq_thumb_four_rows(p->weights + c * p->in_c, input, p->in_c, sums, count == 4 ? p->in_c : 0);
            if (direct) {
                eq_thumb_store(&outputs, sums, p->mantissa + c, output + c, count);
            } else {
                for (int32_t i = c; i < c + count; i++) {
                    output[i] = eq_requantize(sums[i - c], p->mantissa[i], p->shift[i], p->zero_point, p->qmin, p->qmax,
                                              rounding);
                }
            }
            c += count;
        }
        output += p->out_c;
    }
}

#define DEFINE(suffix, rounding)                                                                                       \
    void eq_fully_connected_thumb_##suffix(const eq_fully_connected_params *p, const int8_t *input, int8_t *output)    \
    {                                                                                                                  \
        fully_connected(p, input, output, rounding);                                                                   \
    }
EQ_FOR_EACH_ROUNDING(DEFINE)
