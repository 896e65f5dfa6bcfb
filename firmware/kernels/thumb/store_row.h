/* Outputs of up to four channels of a row. */
#ifndef EQ_THUMB_STORE_ROW_H
#define EQ_THUMB_STORE_ROW_H

#include "eq/fully_connected_int4_thumb.h"
#include "eq/thumb.h"
#include "eq/thumb_inline.h"

/* direct: as the core's function for that said. */
EQ_FLATTEN void store_row(const eq_fully_connected_int4_thumb_params *p, int32_t channel, int32_t channels,
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

#endif
