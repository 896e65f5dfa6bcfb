/* Bounds of a fused activation, applied to finished outputs: four bytes at a time. */
#ifndef EQ_DSP_CLAMP_H
#define EQ_DSP_CLAMP_H

#include "eq/dsp.h"

static inline void eq_clamp_bytes(int8_t *values, int32_t count, int32_t qmin, int32_t qmax)
{
    if (qmin <= -128 && qmax >= 127) {
        return;
    }
    const int32_t low = eq_splat8(qmin), high = eq_splat8(qmax);
    for (; count >= 4; count -= 4, values += 4) {
        eq_store4(values, eq_smin8(eq_smax8(eq_load4(values), low), high));
    }
    for (; count > 0; count--, values++) {
        *values = (int8_t)(*values < qmin ? qmin : *values > qmax ? qmax : *values);
    }
}

#endif
