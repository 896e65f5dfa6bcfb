/* Sums of 16 channels of many pixels. */
#ifndef EQ_NEON_SUMS16_H
#define EQ_NEON_SUMS16_H

#include "eq/neon.h"

enum { EQ_MOST_PIXELS = 256 }; /* whose sums fit 16 bits */

/* sums += those of `pixels` pixels, `apart` bytes. */
EQ_INLINE void eq_sum_pixels(int32_t *sums, const int8_t *from, int64_t apart, int32_t pixels)
{
    int32x4_t s[4];
    for (int32_t v = 0; v < 4; v++) {
        s[v] = vld1q_s32(sums + 4 * v);
    }
    while (pixels > 0) {
        int16x8_t low = vdupq_n_s16(0), high = vdupq_n_s16(0);
        int32_t count = pixels < EQ_MOST_PIXELS ? pixels : EQ_MOST_PIXELS;
        pixels -= count;
        for (; count > 0; count--) {
            const int8x16_t x = vld1q_s8(from);
            low = vaddw_s8(low, vget_low_s8(x));
            high = vaddw_s8(high, vget_high_s8(x));
            from += apart;
        }
        s[0] = vaddw_s16(s[0], vget_low_s16(low));
        s[1] = vaddw_s16(s[1], vget_high_s16(low));
        s[2] = vaddw_s16(s[2], vget_low_s16(high));
        s[3] = vaddw_s16(s[3], vget_high_s16(high));
    }
    for (int32_t v = 0; v < 4; v++) {
        vst1q_s32(sums + 4 * v, s[v]);
    }
}

#endif
