#include "eq/mean_mve.h"
#include "sums.h"

EQ_INLINE eq_s32x4 scaled(const eq_mean_mve_params *p, eq_s32x4 sum, eq_rounding rounding)
{
    return eq_scale_all(eq_add_scalar_s32(sum, p->offset), p->mantissa, p->shift, rounding);
}

/* Sixteen channels to bytes; multiplier and offset are those of all. */
EQ_INLINE eq_s8x16 output_of(const eq_mean_mve_params *p, eq_s32x16 s, eq_rounding rounding)
{
    const eq_s16x8 even = eq_narrow_s32(scaled(p, s.v0, rounding), scaled(p, s.v2, rounding));
    const eq_s16x8 odd = eq_narrow_s32(scaled(p, s.v1, rounding), scaled(p, s.v3, rounding));
    const eq_s8x16 r =
        eq_narrow_s16(eq_add_saturating_s16(even, p->zero_point), eq_add_saturating_s16(odd, p->zero_point));
    return eq_min_s8(eq_max_s8(r, eq_dup_s8(p->qmin)), eq_dup_s8(p->qmax));
}

EQ_INLINE void mean(const eq_mean_mve_params *p, const int8_t *input, int8_t *output, eq_rounding rounding)
{
    const int32_t channels = p->channels;
    for (int32_t n = 0; n < p->images; n++, input += p->pixels * channels, output += channels) {
        for (int32_t c = 0; c < channels; c += 16) {
            eq_s32x16 sums = eq_no_sums();
            const int8_t *from = input + c;
            for (int32_t left = p->pixels; left > 0; left -= EQ_MOST_BYTES, from += EQ_MOST_BYTES * channels) {
                const int32_t count = left < EQ_MOST_BYTES ? left : EQ_MOST_BYTES;
                sums = eq_add_bytes(sums, from, channels, count, channels - c);
            }
            eq_store_s8_n(output + c, output_of(p, sums, rounding), channels - c);
        }
    }
}

#define DEFINE(suffix, rounding)                                                                                       \
    void eq_mean_mve_##suffix(const eq_mean_mve_params *p, const int8_t *input, int8_t *output)                        \
    {                                                                                                                  \
        mean(p, input, output, rounding);                                                                              \
    }
EQ_FOR_EACH_ROUNDING(DEFINE)
