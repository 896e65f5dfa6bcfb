/* Tiles of a matrix product on x86: pixels whose windows were collected, times packed weights.
 *
 * A pixel's window is `depth` activations, a whole number of steps. Weights are, per EQ_LANES channels (filled up with
 * zeros), per step: EQ_STEP of each channel. */
#ifndef EQ_X86_GEMM_H
#define EQ_X86_GEMM_H

#include "eq/conv2d_x86.h"
#include "vectors.h"

#define EQ_TILE 6 /* pixels computed at once */

/* `pixels` windows times `vectors` vectors of channels, from channel c on. */
EQ_INLINE void eq_tile(const eq_conv2d_x86_params *p, const eq_activation *windows, int8_t *output, int32_t c,
                       int32_t pixels, int32_t vectors, eq_rounding rounding)
{
    eq_sums sums[EQ_TILE][EQ_ACROSS];
    const int8_t *weights = p->weights + (int64_t)c * p->depth;
    const int64_t apart = (int64_t)EQ_LANES * p->depth; /* from one vector's weights to the next one's */
    EQ_UNROLL
    for (int32_t v = 0; v < vectors; v++) {
        EQ_UNROLL
        for (int32_t i = 0; i < pixels; i++) {
            sums[i][v] = eq_load_sums(p->bias + c + v * EQ_LANES);
        }
    }
    for (int32_t k = 0; k < p->depth; k += EQ_STEP) {
        eq_weights w[EQ_ACROSS];
        EQ_UNROLL
        for (int32_t v = 0; v < vectors; v++) {
            w[v] = eq_load_weights(weights + v * apart + (int64_t)k * EQ_LANES);
        }
        EQ_UNROLL
        for (int32_t i = 0; i < pixels; i++) {
            EQ_UNROLL
            for (int32_t v = 0; v < vectors; v++) {
                sums[i][v] = eq_step(sums[i][v], windows + (int64_t)i * p->depth + k, w[v]);
            }
        }
    }
    const eq_bounds bounds = eq_bounds_of(p->zero_point, p->qmin, p->qmax);
    EQ_UNROLL
    for (int32_t v = 0; v < vectors; v++) {
        const int32_t at = c + v * EQ_LANES, left = p->out_c - at;
        EQ_UNROLL
        for (int32_t i = 0; i < pixels; i++) {
            const eq_sums scaled = eq_scale(sums[i][v], p->multiplier, p->shift, at, rounding);
            int8_t *to = output + (int64_t)i * p->out_c + at;
            if (left >= EQ_LANES) {
                eq_store_sums(to, scaled, bounds);
            } else {
                int8_t last[EQ_LANES];
                eq_store_sums(last, scaled, bounds);
                memcpy(to, last, (size_t)left);
            }
        }
    }
}

/* All pixels of up to EQ_TILE at once that there are, for some vectors of channels. */
EQ_INLINE void eq_strip(const eq_conv2d_x86_params *p, const eq_activation *windows, int8_t *output, int32_t c,
                        int32_t count, int32_t vectors, eq_rounding rounding)
{
    int32_t i = 0;
    for (; i + EQ_TILE <= count; i += EQ_TILE) {
        eq_tile(p, windows + (int64_t)i * p->depth, output + (int64_t)i * p->out_c, c, EQ_TILE, vectors, rounding);
    }
    for (; i < count; i++) {
        eq_tile(p, windows + (int64_t)i * p->depth, output + (int64_t)i * p->out_c, c, 1, vectors, rounding);
    }
}

/* `count` windows times all channels; output: (count, channels). */
EQ_INLINE void eq_gemm(const eq_conv2d_x86_params *p, const eq_activation *windows, int8_t *output, int32_t count,
                       eq_rounding rounding)
{
    int32_t c = 0;
    for (; c + (EQ_ACROSS - 1) * EQ_LANES < p->out_c; c += EQ_ACROSS * EQ_LANES) {
        eq_strip(p, windows, output, c, count, EQ_ACROSS, rounding);
    }
#if EQ_ACROSS > 2
    for (; c + EQ_LANES < p->out_c; c += 2 * EQ_LANES) {
        eq_strip(p, windows, output, c, count, 2, rounding);
    }
#endif
    if (c < p->out_c) {
        eq_strip(p, windows, output, c, count, 1, rounding);
    }
}

/* `n` bytes of input as activations. Up to EQ_CHUNK - 1 more are written, and if there are so many before `end`, read.
 */
EQ_INLINE void eq_collect(eq_activation *to, const int8_t *from, int32_t n, const int8_t *end)
{
    int32_t i = 0;
    for (; i < n && end - (from + i) >= EQ_CHUNK; i += EQ_CHUNK) {
        eq_collect_chunk(to + i, from + i);
    }
    for (; i < n; i++) {
        to[i] = eq_activation_of(from[i]);
    }
}

/* `n` times the same activation */
EQ_INLINE void eq_fill(eq_activation *to, int32_t value, int32_t n)
{
    for (int32_t i = 0; i < n; i++) {
        to[i] = eq_activation_of((int8_t)value);
    }
}

#endif
