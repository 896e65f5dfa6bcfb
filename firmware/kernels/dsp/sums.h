/* Sums of pixels, four channels at a time. */
#ifndef EQ_DSP_SUMS_H
#define EQ_DSP_SUMS_H

#include "eq/dsp.h"

/* Pixels whose sum surely fits 16 bits. */
#define EQ_MOST_SUMMED 256

/* Of channels 0 and 2, and of channels 1 and 3. */
typedef struct {
    int32_t even, odd;
} eq_pair_sums;

typedef struct {
    int32_t of[4];
} eq_sums;

/* Adds `count` pixels that are `step` bytes apart. */
static inline void eq_sum_pixels(eq_pair_sums *sums, const int8_t *pixel, int32_t step, int32_t count)
{
    int32_t even = sums->even, odd = sums->odd;
    for (; count >= 4; count -= 4, pixel += 4 * step) {
        const int32_t a = eq_load4(pixel), b = eq_load4(pixel + step);
        const int32_t c = eq_load4(pixel + 2 * step), d = eq_load4(pixel + 3 * step);
        even = eq_sxtab16(eq_sxtab16(eq_sxtab16(eq_sxtab16(even, a), b), c), d);
        odd = eq_sxtab16_ror8(eq_sxtab16_ror8(eq_sxtab16_ror8(eq_sxtab16_ror8(odd, a), b), c), d);
    }
    for (; count > 0; count--, pixel += step) {
        const int32_t a = eq_load4(pixel);
        even = eq_sxtab16(even, a);
        odd = eq_sxtab16_ror8(odd, a);
    }
    sums->even = even;
    sums->odd = odd;
}

static inline void eq_add_sums(eq_sums *sums, eq_pair_sums pairs)
{
    sums->of[0] += eq_smulbb(pairs.even, 1);
    sums->of[1] += eq_smulbb(pairs.odd, 1);
    sums->of[2] += pairs.even >> 16;
    sums->of[3] += pairs.odd >> 16;
}

#endif
