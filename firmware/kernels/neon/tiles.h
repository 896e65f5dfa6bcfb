/* Tiles of the product of windows and weights: EQ_TILE pixels, or one, times 16 channels or 8. A file that includes
 * this has defined EQ_TILE and eq_sums: some pixels times 4 * `vectors` channels. */
#ifndef EQ_NEON_TILES_H
#define EQ_NEON_TILES_H

#include "eq/conv2d_neon.h"
#include "requant.h"

/* Some pixels times 4 * `vectors` channels, which begin at `c` and are the `q`th in the blocks' order. */
EQ_INLINE void eq_tile(const eq_conv2d_neon_params *p, const int8_t *const *at, int64_t skip, int8_t *output, int32_t q,
                       int32_t c, int32_t pixels, int32_t vectors, const eq_output *o, eq_rounding rounding)
{
    int32x4_t sums[EQ_TILE][4];
    int8_t *to = output + c;
    eq_sums(p, at, skip, q, pixels, vectors, sums);
    EQ_UNROLL
    for (int32_t v = 0; v < vectors; v++) {
        const int32x4_t factor = vld1q_s32(p->multiplier + q + 4 * v);
        const int32x4_t by = rounding == EQ_FAST ? factor : vld1q_s32(p->shift + q + 4 * v);
        EQ_UNROLL
        for (int32_t i = 0; i < pixels; i++) {
            sums[i][v] = eq_scale(sums[i][v], factor, by, rounding);
        }
    }
    if (vectors == 4) {
        int8x16_t r[EQ_TILE];
        EQ_UNROLL
        for (int32_t i = 0; i < pixels; i++) {
            r[i] = eq_wide_outputs(sums[i][0], sums[i][1], sums[i][2], sums[i][3], o);
        }
        if (o->clamps) {
            EQ_UNROLL
            for (int32_t i = 0; i < pixels; i++) {
                r[i] = eq_clamped(r[i], o);
            }
        }
        EQ_UNROLL
        for (int32_t i = 0; i < pixels; i++) {
            vst1q_s8(to, r[i]);
            to += p->out_c;
        }
        return;
    }
    EQ_UNROLL
    for (int32_t i = 0; i < pixels; i++) {
        eq_store_eight(to, eq_eight_outputs(sums[i][0], sums[i][1], o), p->out_c);
        to += p->out_c;
    }
}

/* `count` pixels times 4 * `vectors` channels. */
EQ_INLINE void eq_strip(const eq_conv2d_neon_params *p, const int8_t *const *at, int64_t skip, int8_t *output,
                        int32_t q, int32_t c, int32_t count, int32_t vectors, const eq_output *o, eq_rounding rounding)
{
    int32_t i = 0;
    for (; i + EQ_TILE <= count; i += EQ_TILE) {
        eq_tile(p, at + i, skip, output + (int64_t)i * p->out_c, q, c, EQ_TILE, vectors, o, rounding);
    }
    for (; i < count; i++) {
        eq_tile(p, at + i, skip, output + (int64_t)i * p->out_c, q, c, 1, vectors, o, rounding);
    }
}

/* `count` pixels times all channels, in blocks of 16 and then of 8 as edgeq/kernels/neon/pack.py has them. The last one
 * overlaps those before it, or is filled up with zeros if there are fewer than 8. */
EQ_INLINE void eq_channels(const eq_conv2d_neon_params *p, const int8_t *const *at, int64_t skip, int8_t *output,
                           int32_t count, const eq_output *o, eq_rounding rounding)
{
    const int32_t channels = p->out_c;
    int32_t q = 0;
    for (; q < channels - 8 && channels >= 16; q += 16) {
        eq_strip(p, at, skip, output, q, q + 16 <= channels ? q : channels - 16, count, 4, o, rounding);
    }
    for (; q < channels; q += 8) {
        const int32_t last = channels >= 8 ? channels - 8 : 0;
        eq_strip(p, at, skip, output, q, q < last ? q : last, count, 2, o, rounding);
    }
}

#endif
