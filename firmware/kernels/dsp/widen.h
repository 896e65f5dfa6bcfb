/* A row of activations as pairs. */
#ifndef EQ_DSP_WIDEN_H
#define EQ_DSP_WIDEN_H

#include "eq/dsp.h"
#include "inline.h"

/* Widens n values: of every four the pair (0, 2), then (1, 3); zeros behind them up to a multiple of `step`, 4 or 8.
 * Returns their sum. */
EQ_INLINE int32_t eq_dsp_widen_row(const int8_t *from, int32_t n, int32_t *to, int32_t step)
{
    int32_t total = 0;
    const int32_t filled = (n + step - 1) & -step;
    for (int32_t i = 0; i < filled; i += 4, to += 2) {
        int32_t word = 0;
        if (i + 4 <= n) {
            word = eq_load4(from + i);
        } else {
            for (int32_t k = n - 1; k >= i; k--) {
                word = (int32_t)((uint32_t)word << 8 | (uint8_t)from[k]);
            }
        }
        to[0] = eq_sxtb16(word), to[1] = eq_sxtb16_ror8(word);
        total = eq_smlad(to[0], 0x00010001, eq_smlad(to[1], 0x00010001, total));
    }
    return total;
}

#endif
