/* Outputs of up to four channels of a row. */
#ifndef EQ_THUMB2_STORE_ROW_H
#define EQ_THUMB2_STORE_ROW_H

#include "eq/fully_connected_int4_thumb.h"
#include "eq/thumb2.h"
#include "eq/thumb_inline.h"

/* direct: as the core's function for that said. */
EQ_FLATTEN void store_row(const eq_fully_connected_int4_thumb_params *p, int32_t channel, int32_t channels,
                          const int32_t *sums, int8_t *output, int direct, eq_rounding rounding)
{
    for (int32_t i = 0; i < channels; i++) {
        const eq_thumb2_finish finish = EQ_THUMB2_FINISH(p, channel + i, rounding);
        output[i] = direct ? eq_thumb2_direct(&finish, sums[i] * 2) : eq_thumb2_rounded(&finish, sums[i] * 2, rounding);
    }
}

#endif
