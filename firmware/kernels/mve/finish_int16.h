/* Sums of channels to int16: one rounding, of factors below 1/4. */
#ifndef EQ_MVE_FINISH_INT16_H
#define EQ_MVE_FINISH_INT16_H

#include "eq/mve.h"

/* clamp(acc * m); shift: of the product's high word. */
EQ_INLINE eq_s32x4 eq_to_int16(eq_s32x4 acc, eq_s32x4 multiplier, eq_s32x4 shift, int32_t qmin, int32_t qmax)
{
    const eq_s32x4 scaled = eq_rounding_shift_s32(eq_high_s32(acc, multiplier), shift);
    return eq_min_s32(eq_max_s32(scaled, eq_dup_s32(qmin)), eq_dup_s32(qmax));
}

/* `channels` outputs that follow each other. */
EQ_INLINE void eq_finish_int16(const int32_t *sums, const int32_t *multiplier, const int32_t *shift, int16_t *out,
                               int32_t channels, int32_t qmin, int32_t qmax)
{
    for (int32_t c = 0; c < channels; c += 4) {
        const eq_s32x4 m = eq_load_s32(multiplier + c), s = eq_load_s32(shift + c);
        eq_store_s32_to_s16_n(out + c, eq_to_int16(eq_load_s32(sums + c), m, s, qmin, qmax), channels - c);
    }
}

#endif
