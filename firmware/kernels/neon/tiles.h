/* Tiles of the product of windows and weights: EQ_TILE pixels, or one, times 16 channels or 8. A file that includes
 * this has defined EQ_TILE and eq_sums: some pixels times 4 * `vectors` channels. */
#ifndef EQ_NEON_TILES_H
#define EQ_NEON_TILES_H

#include "eq/conv2d_neon.h"
#include "requant.h"

/* Some pixels, `step` bytes apart, times 4 * `vectors` channels, of which the first is the `q`th in the blocks' order.
 */
EQ_INLINE void eq_tile(const eq_conv2d_neon_params *p, const int8_t *const *at, int64_t skip, int8_t *to, int32_t q,
                       int64_t step, int32_t pixels, int32_t vectors, const eq_output *o, eq_rounding rounding)
{
    int32x4_t sums[EQ_TILE][4];
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
        if (o->small) {
            EQ_UNROLL
            for (int32_t i = 0; i < pixels; i++) {
                EQ_NOT_BEFORE(sums[i][1]);
                EQ_NOT_BEFORE(sums[i][3]);
                r[i] = eq_small_outputs(sums[i][0], sums[i][1], sums[i][2], sums[i][3], o);
            }
        } else {
            EQ_UNROLL
            for (int32_t i = 0; i < pixels; i++) {
                EQ_NOT_BEFORE(sums[i][0]);
                EQ_NOT_BEFORE(sums[i][2]);
                r[i] = eq_wide_outputs(sums[i][0], sums[i][1], sums[i][2], sums[i][3], o);
            }
        }
        if (o->clamps) {
            EQ_UNROLL
            for (int32_t i = 0; i < pixels; i++) {
                EQ_NOT_BEFORE(r[i]);
                r[i] = eq_clamped(r[i], o);
            }
        }
        EQ_UNROLL
        for (int32_t i = 0; i < pixels; i++) {
            vst1q_s8(to, r[i]);
            to += step;
        }
        return;
    }
    EQ_UNROLL
    for (int32_t i = 0; i < pixels; i += 2) { /* two pixels at once, or one twice */
        const int32_t next = i + 1 < pixels ? i + 1 : i;
        int8x16_t r = eq_wide_outputs(sums[i][0], sums[i][1], sums[next][0], sums[next][1], o);
        if (o->clamps) {
            r = eq_clamped(r, o);
        }
        eq_store_eight(to, vget_low_s8(r), p->out_c);
        if (next > i) {
            eq_store_eight(to + step, vget_high_s8(r), p->out_c);
        }
        to += 2 * step;
    }
}

/* Of a block of 16 channels, or 8, the first one. */
EQ_INLINE int32_t eq_first_channel(int32_t q, int32_t channels, int32_t block)
{
    const int32_t last = channels >= block ? channels - block : 0;
    return q < last ? q : last;
}

#ifdef EQ_BLOCKS

/* One pixel times EQ_BLOCKS blocks of 16 channels. `output` is its first channel. */
EQ_INLINE void eq_blocks(const eq_conv2d_neon_params *p, const int8_t *const *at, int64_t skip, int8_t *output,
                         int32_t q, const eq_output *o, eq_rounding rounding)
{
    int32x4_t sums[EQ_BLOCKS][4];
    eq_sum_blocks(p, at, skip, q, sums);
    EQ_UNROLL
    for (int32_t i = 0; i < EQ_BLOCKS; i++) {
        EQ_UNROLL
        for (int32_t v = 0; v < 4; v++) {
            const int32x4_t factor = vld1q_s32(p->multiplier + q + 16 * i + 4 * v);
            const int32x4_t by = rounding == EQ_FAST ? factor : vld1q_s32(p->shift + q + 16 * i + 4 * v);
            sums[i][v] = eq_scale(sums[i][v], factor, by, rounding);
        }
        int8_t *const to = output + eq_first_channel(q + 16 * i, p->out_c, 16);
        vst1q_s8(to, eq_outputs(sums[i][0], sums[i][1], sums[i][2], sums[i][3], o));
    }
}

#endif

/* `count` pixels, `step` bytes apart, times all channels, in blocks of 16 and then of 8 as edgeq/kernels/neon/pack.py
 * has them. The last one overlaps those before it, or is filled up with zeros if there are fewer than 8. */
EQ_INLINE void eq_channels(const eq_conv2d_neon_params *p, const int8_t *const *at, int64_t skip, int8_t *output,
                           int64_t step, int32_t count, const eq_output *o, eq_rounding rounding)
{
    const int32_t channels = p->out_c, tiled = count / EQ_TILE * EQ_TILE;
    const int32_t sixteens = channels >= 16 ? (channels + 7) / 16 * 16 : 0; /* channels in blocks of 16 */
    for (int32_t q = 0; q < sixteens && tiled > 0; q += 16) {
        int8_t *to = output + eq_first_channel(q, channels, 16);
        for (int32_t i = 0; i < tiled; i += EQ_TILE) {
            eq_tile(p, at + i, skip, to, q, step, EQ_TILE, 4, o, rounding);
            to += EQ_TILE * step;
        }
    }
    for (int32_t q = sixteens; q < channels && tiled > 0; q += 8) {
        int8_t *to = output + eq_first_channel(q, channels, 8);
        for (int32_t i = 0; i < tiled; i += EQ_TILE) {
            eq_tile(p, at + i, skip, to, q, step, EQ_TILE, 2, o, rounding);
            to += EQ_TILE * step;
        }
    }
    for (int32_t i = tiled; i < count; i++) {
        int8_t *to = output + i * step;
        int32_t q = 0;
#ifdef EQ_BLOCKS
        for (; q + 16 * EQ_BLOCKS <= sixteens; q += 16 * EQ_BLOCKS) {
            eq_blocks(p, at + i, skip, to, q, o, rounding);
        }
#endif
        for (; q < sixteens; q += 16) {
            eq_tile(p, at + i, skip, to + eq_first_channel(q, channels, 16), q, step, 1, 4, o, rounding);
        }
        for (q = sixteens; q < channels; q += 8) {
            eq_tile(p, at + i, skip, to + eq_first_channel(q, channels, 8), q, step, 1, 2, o, rounding);
        }
    }
}

#endif
