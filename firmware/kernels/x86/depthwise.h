/* The body of eq_depthwise_conv2d_*: for an output row and a block of channels, the rows of the input that it reads are
 * laid in pairs side by side, column by column; an instruction then multiplies two rows of a column by two weights. */
#ifndef EQ_X86_DEPTHWISE_H
#define EQ_X86_DEPTHWISE_H

#include "eq/depthwise_conv2d_x86.h"
#include "vectors.h"

#define EQ_BLOCK (2 * EQ_LANES) /* channels */
#define EQ_ABREAST 4            /* output pixels computed at once */
#define EQ_PAIR_BYTES ((int64_t)sizeof(eq_halves))

EQ_INLINE eq_halves eq_load_pairs(const int8_t *from)
{
    eq_halves pairs;
    memcpy(&pairs, from, sizeof pairs);
    return pairs;
}

EQ_INLINE void eq_store_pairs(int8_t *to, eq_halves pairs)
{
    memcpy(to, &pairs, sizeof pairs);
}

/* `n` bytes, fewer than a block; half of a block is as common as it is fast. */
EQ_INLINE void eq_copy_channels(int8_t *to, const int8_t *from, int32_t n)
{
    if (n == EQ_BLOCK / 2) {
        memcpy(to, from, EQ_BLOCK / 2);
    } else {
        memcpy(to, from, (size_t)n);
    }
}

/* `n` channels of a pixel, the rest 0. */
EQ_INLINE eq_halves eq_channels(const int8_t *from, int32_t n)
{
    int8_t last[EQ_BLOCK] = {0};
    if (n >= EQ_BLOCK) {
        return eq_load_halves(from);
    }
    eq_copy_channels(last, from, n);
    return eq_load_halves(last);
}

/* Two rows of the input, side by side in scratch from `to` on; NULL stands for a row outside of the input. */
EQ_INLINE void eq_pair_up(const eq_depthwise_conv2d_x86_params *p, const int8_t *upper, const int8_t *lower, int8_t *to,
                          int64_t apart, int32_t columns, int32_t n)
{
    const eq_halves outside = eq_all_halves(p->pad_value);
    for (int32_t column = 0; column < columns; column++) {
        const int32_t x = column - p->pad_left;
        const int inside = x >= 0 && x < p->in_w;
        const int64_t at = (int64_t)x * p->in_c;
        const eq_halves above = inside && upper != NULL ? eq_channels(upper + at, n) : outside;
        const eq_halves below = inside && lower != NULL ? eq_channels(lower + at, n) : outside;
        eq_store_pairs(to + column * apart, eq_pairs_low(above, below));
        eq_store_pairs(to + column * apart + EQ_PAIR_BYTES, eq_pairs_high(above, below));
    }
}

/* `pixels` output pixels of a block of channels. */
EQ_INLINE void eq_pixels(const eq_depthwise_conv2d_x86_params *p, const int8_t *scratch, const int8_t *weights,
                         int8_t *output, int32_t c, int32_t pixels, eq_rounding rounding)
{
    const int32_t pairs = (p->kernel_h + 1) / 2, left = p->out_c - c;
    const int64_t apart = 2 * EQ_PAIR_BYTES * pairs;
    eq_sums low[EQ_ABREAST], high[EQ_ABREAST];
    EQ_UNROLL
    for (int32_t i = 0; i < pixels; i++) {
        low[i] = eq_load_sums(p->bias + c);
        high[i] = eq_load_sums(p->bias + c + EQ_LANES);
    }
    for (int32_t kx = 0; kx < p->kernel_w; kx++) {
        const int8_t *column = scratch + kx * p->dilation_w * apart;
        for (int32_t k = 0; k < pairs; k++) {
            const eq_halves w_low = eq_load_halves(weights), w_high = eq_load_halves(weights + EQ_BLOCK);
            EQ_UNROLL
            for (int32_t i = 0; i < pixels; i++) {
                const int8_t *at = column + i * p->stride_w * apart;
                low[i] = eq_add_pairs(low[i], eq_load_pairs(at), w_low);
                high[i] = eq_add_pairs(high[i], eq_load_pairs(at + EQ_PAIR_BYTES), w_high);
            }
            column += 2 * EQ_PAIR_BYTES;
            weights += 2 * EQ_BLOCK;
        }
    }
    const eq_bounds bounds = eq_bounds_of(p->zero_point, p->qmin, p->qmax);
    EQ_UNROLL
    for (int32_t i = 0; i < pixels; i++) {
        const eq_sums first = eq_scale(low[i], p->multiplier, p->shift, c, rounding);
        const eq_sums second = eq_scale(high[i], p->multiplier, p->shift, c + EQ_LANES, rounding);
        int8_t *to = output + (int64_t)i * p->out_c + c;
        if (left >= EQ_BLOCK) {
            eq_store_both(to, first, second, bounds);
        } else {
            int8_t last[EQ_BLOCK];
            eq_store_both(last, first, second, bounds);
            eq_copy_channels(to, last, left);
        }
    }
}

/* Compiled once: which rounding it is costs a branch for each vector of sums. */
static __attribute__((noinline)) void eq_depthwise(const eq_depthwise_conv2d_x86_params *p, const int8_t *input,
                                                   int8_t *output, void *scratch, eq_rounding rounding)
{
    int8_t *const paired = (int8_t *)scratch;
    const int32_t pairs = (p->kernel_h + 1) / 2;
    const int32_t columns = (p->out_w - 1) * p->stride_w + (p->kernel_w - 1) * p->dilation_w + 1;
    const int64_t apart = 2 * EQ_PAIR_BYTES * pairs, line = (int64_t)p->in_w * p->in_c;
    for (int32_t row = 0; row < p->batch * p->out_h; row++) {
        const int8_t *image = input + row / p->out_h * p->in_h * line;
        const int32_t top = row % p->out_h * p->stride_h - p->pad_top;
        int8_t *to = output + (int64_t)row * p->out_w * p->out_c;
        for (int32_t c = 0; c < p->out_c; c += EQ_BLOCK) {
            const int8_t *weights = p->weights + (int64_t)c * 2 * pairs * p->kernel_w;
            for (int32_t k = 0; k < pairs; k++) {
                const int32_t y = top + 2 * k * p->dilation_h, next = y + p->dilation_h;
                const int8_t *upper = y >= 0 && y < p->in_h ? image + y * line + c : NULL;
                const int8_t *lower = next >= 0 && next < p->in_h ? image + next * line + c : NULL;
                eq_pair_up(p, upper, 2 * k + 1 < p->kernel_h ? lower : NULL, paired + k * 2 * EQ_PAIR_BYTES, apart,
                           columns, p->out_c - c);
            }
            int32_t x = 0;
            for (; x + EQ_ABREAST <= p->out_w; x += EQ_ABREAST) {
                eq_pixels(p, paired + x * p->stride_w * apart, weights, to + (int64_t)x * p->out_c, c, EQ_ABREAST,
                          rounding);
            }
            for (; x < p->out_w; x++) {
                eq_pixels(p, paired + x * p->stride_w * apart, weights, to + (int64_t)x * p->out_c, c, 1, rounding);
            }
        }
    }
}

#endif
