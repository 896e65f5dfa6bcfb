/* Tiles of a matrix product on x86: windows of pixels, times packed weights.
 *
 * A window is `depth` activations, a whole number of steps, which are where `offsets` say. Weights are, per EQ_LANES
 * channels (filled up with zeros), per step: EQ_STEP of each channel. Where there are channels for a pair of vectors,
 * they are in the order that eq_store_pair undoes.
 *
 * EQ_AVX2_BYTES: a step whose weights add up to too much comes a second time, with what the first left of them. So
 * strips, of EQ_ACROSS vectors, have steps of their own: `strips` says where they begin and how many they are. */
#ifndef EQ_X86_GEMM_H
#define EQ_X86_GEMM_H

#include "eq/conv2d_x86.h"
#include "vectors.h"

#define EQ_TILE 6 /* pixels computed at once */

/* As many sums as there are channels left. */
EQ_INLINE void eq_store_sums_of(int8_t *to, eq_sums sums, eq_bounds bounds, int32_t left)
{
    if (left >= EQ_LANES) {
        eq_store_sums(to, sums, bounds);
    } else {
        eq_store_some(to, sums, bounds, left);
    }
}

/* Scales and stores two vectors of whole channels of some pixels, two at a time. */
EQ_INLINE void eq_finish_pairs(eq_sums sums[EQ_TILE][EQ_ACROSS], int32_t v, int8_t *to, int32_t step, int32_t pixels,
                               const eq_factors factors[2], eq_bounds bounds, eq_rounding rounding)
{
    int32_t i = 0;
    for (; i + 1 < pixels; i += 2, to += 2 * step) {
        const eq_sums four[4] = {
            eq_scaled(sums[i][v], &factors[0], rounding), eq_scaled(sums[i][v + 1], &factors[1], rounding),
            eq_scaled(sums[i + 1][v], &factors[0], rounding), eq_scaled(sums[i + 1][v + 1], &factors[1], rounding)};
        eq_store_pairs(to, step, four, bounds);
    }
    if (i < pixels) {
        eq_store_pair(to, eq_scaled(sums[i][v], &factors[0], rounding),
                      eq_scaled(sums[i][v + 1], &factors[1], rounding), bounds);
    }
}

/* Scales and stores the sums of a tile. Not inlined: its constants would take registers from the loop before it. */
static __attribute__((noinline)) void eq_finish(const eq_conv2d_x86_params *p, eq_sums sums[EQ_TILE][EQ_ACROSS],
                                                int8_t *output, int32_t step, int32_t c, int32_t pixels,
                                                int32_t vectors, eq_rounding rounding)
{
    const eq_bounds bounds = eq_bounds_of(p->zero_point, p->qmin, p->qmax);
    for (int32_t v = 0; v < vectors; v += 2) {
        const int32_t at = c + v * EQ_LANES, left = p->out_c - at;
        int8_t *to = output + at;
        const int32_t *const multiplier = p->multiplier + at, *const shift = p->shift + at;
        const int32_t second = v + 1 < vectors ? EQ_LANES : 0;
        const eq_factors factors[2] = {eq_factors_of(multiplier, shift, rounding),
                                       eq_factors_of(multiplier + second, shift + second, rounding)};
        if (second && left >= 2 * EQ_LANES) {
            if (pixels == EQ_TILE) { /* unrolled */
                eq_finish_pairs(sums, v, to, step, EQ_TILE, factors, bounds, rounding);
            } else {
                eq_finish_pairs(sums, v, to, step, pixels, factors, bounds, rounding);
            }
            continue;
        }
        for (int32_t i = 0; i < pixels; i++, to += step) {
            eq_store_sums_of(to, eq_scaled(sums[i][v], &factors[0], rounding), bounds, left);
            if (second) {
                const eq_sums high = eq_scaled(sums[i][v + 1], &factors[1], rounding);
                eq_store_sums_of(to + EQ_LANES, high, bounds, left - EQ_LANES);
            }
        }
    }
}

/* Where the windows of neighbouring pixels of a band begin. */
EQ_INLINE void eq_windows(const eq_conv2d_x86_params *p, const eq_activation *band, int32_t first, int32_t pixels,
                          const eq_activation *windows[EQ_TILE])
{
    const int64_t across = (int64_t)p->stride_w * p->in_c, down = (int64_t)p->stride_h * p->row;
    int32_t y = first / p->out_w, x = first % p->out_w;
    EQ_UNROLL
    for (int32_t i = 0; i < pixels; i++) {
        windows[i] = band + y * down + x * across;
        x++;
        y += x == p->out_w;
        x = x == p->out_w ? 0 : x;
    }
}

/* What the vectors of channels from channel c on multiply. */
typedef struct {
    const int8_t *weights;
    const int32_t *offsets;
    int32_t steps;
} eq_strip_steps;

EQ_INLINE eq_strip_steps eq_steps_of(const eq_conv2d_x86_params *p, int32_t c)
{
#if EQ_X86 == EQ_AVX2_BYTES
    const int32_t *const strip = p->strips + c / (EQ_ACROSS * EQ_LANES) * 2;
    const eq_strip_steps own = {p->weights + (int64_t)strip[0] * (EQ_ACROSS * EQ_LANES * EQ_STEP),
                                p->offsets + strip[0], strip[1]};
#else
    const eq_strip_steps own = {p->weights + (int64_t)c * p->depth, p->offsets, p->depth / EQ_STEP};
#endif
    return own;
}

/* `pixels` windows from pixel `first` on times `vectors` vectors of channels, from channel c on. `more`, if not NULL,
 * is what is added to all sums of each window. */
EQ_INLINE void eq_tile(const eq_conv2d_x86_params *p, const eq_activation *band, int8_t *output, int32_t step,
                       const int32_t *more, int32_t first, int32_t c, int32_t pixels, int32_t vectors,
                       eq_rounding rounding)
{
    eq_sums sums[EQ_TILE][EQ_ACROSS];
    const eq_activation *windows[EQ_TILE];
    const eq_strip_steps own = eq_steps_of(p, c);
    const int8_t *weights = own.weights;
    const int32_t *const offsets = own.offsets, steps = own.steps;
    const int64_t apart = (int64_t)EQ_LANES * EQ_STEP * steps; /* from one vector's weights to the next one's */
    eq_windows(p, band, first, pixels, windows);
    EQ_UNROLL
    for (int32_t v = 0; v < vectors; v++) {
        EQ_UNROLL
        for (int32_t i = 0; i < pixels; i++) {
            sums[i][v] = eq_load_sums(p->bias + c + v * EQ_LANES);
            if (more) {
                sums[i][v] = eq_add(sums[i][v], eq_all(more[first + i]));
            }
        }
    }
    for (int32_t k = 0; k < steps; k++) {
        const int64_t offset = offsets[k];
        eq_weights w[EQ_ACROSS];
        EQ_UNROLL
        for (int32_t v = 0; v < vectors; v++) {
            w[v] = eq_load_weights(weights + v * apart);
        }
        weights += EQ_LANES * EQ_STEP;
        EQ_UNROLL
        for (int32_t i = 0; i < pixels; i++) {
            EQ_UNROLL
            for (int32_t v = 0; v < vectors; v++) {
                sums[i][v] = eq_step(sums[i][v], windows[i] + offset, w[v]);
            }
        }
    }
    /* Copied, so that sums are only indexed by constants: then they stay in registers in the loop above. */
    eq_sums done[EQ_TILE][EQ_ACROSS];
    EQ_UNROLL
    for (int32_t i = 0; i < pixels; i++) {
        EQ_UNROLL
        for (int32_t v = 0; v < vectors; v++) {
            done[i][v] = sums[i][v];
        }
    }
    eq_finish(p, done, output + (int64_t)first * step, step, c, pixels, vectors, rounding);
}

/* All pixels of a band for some vectors of channels; the last tile may compute some once more. */
EQ_INLINE void eq_strip(const eq_conv2d_x86_params *p, const eq_activation *band, int8_t *output, int32_t step,
                        const int32_t *more, int32_t c, int32_t count, int32_t vectors, eq_rounding rounding)
{
    if (count < EQ_TILE) {
        for (int32_t i = 0; i < count; i++) {
            eq_tile(p, band, output, step, more, i, c, 1, vectors, rounding);
        }
        return;
    }
    for (int32_t i = 0; i < count; i += EQ_TILE) {
        const int32_t first = i + EQ_TILE <= count ? i : count - EQ_TILE;
        eq_tile(p, band, output, step, more, first, c, EQ_TILE, vectors, rounding);
    }
}

/* `count` windows times all channels; those of a window are `step` bytes after those of the one before. */
EQ_INLINE void eq_gemm(const eq_conv2d_x86_params *p, const eq_activation *band, int8_t *output, int32_t step,
                       const int32_t *more, int32_t count, eq_rounding rounding)
{
    int32_t c = 0;
    for (; c + (EQ_ACROSS - 1) * EQ_LANES < p->out_c; c += EQ_ACROSS * EQ_LANES) {
        eq_strip(p, band, output, step, more, c, count, EQ_ACROSS, rounding);
    }
#if EQ_ACROSS > 2
    for (; c + EQ_LANES < p->out_c; c += 2 * EQ_LANES) {
        eq_strip(p, band, output, step, more, c, count, 2, rounding);
    }
#endif
    if (c < p->out_c) {
        eq_strip(p, band, output, step, more, c, count, 1, rounding);
    }
}

#endif
