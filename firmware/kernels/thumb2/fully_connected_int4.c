#include "eq/fully_connected_int4_thumb.h"
#include "eq/thumb2.h"
#include "eq/thumb_int4.h"

EQ_FLATTEN void store(const eq_fully_connected_int4_thumb_params *p, int32_t channel, int32_t channels,
                      const int32_t *sums, int8_t *output, int direct, eq_rounding rounding)
{
    for (int32_t i = 0; i < channels; i++) {
        const eq_thumb2_finish finish = EQ_THUMB2_FINISH(p, channel + i, rounding);
        output[i] = direct ? eq_thumb2_direct(&finish, sums[i] * 2) : eq_thumb2_rounded(&finish, sums[i] * 2, rounding);
    }
}

#define DEFINE(suffix, rounding)                                                                                       \
    void eq_fully_connected_int4_thumb2_##suffix(const eq_fully_connected_int4_thumb_params *p, const int8_t *input,   \
                                                 int8_t *output)                                                       \
    {                                                                                                                  \
        const int direct = eq_thumb2_is_direct(rounding, p->shift, p->out_c, p->qmin, p->qmax);                        \
        eq_thumb_int4_fully_connected(p, input, output, eq_thumb2_four_rows_int4, store, direct, rounding);            \
    }
EQ_FOR_EACH_ROUNDING(DEFINE)
