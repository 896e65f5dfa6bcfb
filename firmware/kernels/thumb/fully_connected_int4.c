#include "eq/fully_connected_int4_thumb.h"
#include "eq/thumb.h"
#include "eq/thumb_int4.h"

EQ_FLATTEN void store(const eq_fully_connected_int4_thumb_params *p, int32_t channel, int32_t channels,
                      const int32_t *sums, int8_t *output, int direct, eq_rounding rounding)
{
    if (direct) {
        const eq_thumb_outputs outputs = {0, 1, eq_thumb_rounding(p->zero_point), p->qmin, p->qmax, 4};
        eq_thumb_store(&outputs, sums, p->mantissa + channel, output, channels);
        return;
    }
    for (int32_t i = 0; i < channels; i++) {
        const int32_t c = channel + i;
        output[i] = eq_requantize(sums[i], p->mantissa[c], p->shift[c], p->zero_point, p->qmin, p->qmax, rounding);
    }
}

#define DEFINE(suffix, rounding)                                                                                       \
    void eq_fully_connected_int4_thumb_##suffix(const eq_fully_connected_int4_thumb_params *p, const int8_t *input,    \
                                                int8_t *output)                                                        \
    {                                                                                                                  \
        const int direct = eq_thumb_is_direct(rounding, p->shift, p->out_c);                                           \
        eq_thumb_int4_fully_connected(p, input, output, eq_thumb_four_rows_int4, store, direct, rounding);             \
    }
EQ_FOR_EACH_ROUNDING(DEFINE)
