/* The body of eq_depthwise_conv2d_*: the rows of the input that an output row reads lie in scratch, with borders;
 * blocks of channels are taken from there, EQ_STEP taps at a time, and interleaved, so that an instruction multiplies
 * the taps of a channel by their weights. */
#ifndef EQ_X86_DEPTHWISE_H
#define EQ_X86_DEPTHWISE_H

#include "eq/depthwise_conv2d_x86.h"
#include "rows.h"

#define EQ_BLOCK (EQ_VECTORS * EQ_LANES)            /* elements computed at once */
#define EQ_GROUPS_3X3 ((9 + EQ_STEP - 1) / EQ_STEP) /* of taps; loops over them are unrolled */

/* Block `first` of every step of a row of the output. */
EQ_INLINE void eq_blocks(const eq_depthwise_conv2d_x86_params *p, const eq_activation *const *taps, int32_t first,
                         int8_t *output, int32_t groups, eq_rounding rounding)
{
    const int8_t *const weights = p->weights + (int64_t)first * groups * 4;
    const eq_bounds bounds = eq_bounds_of(p->zero_point, p->qmin, p->qmax);
    const int32_t elements = p->out_w * p->out_c, out_step = p->out_step, in_step = p->in_step;
    eq_sums bias[EQ_VECTORS];
    eq_factors factors[EQ_VECTORS];
    EQ_UNROLL
    for (int32_t v = 0; v < EQ_VECTORS; v++) {
        const int32_t at = first + v * EQ_LANES;
        bias[v] = eq_load_sums(p->bias + at);
        factors[v] = eq_factors_of(p->multiplier + at, p->shift + at, rounding);
    }
    int64_t at = first;
    for (int32_t to = first; to < elements; to += out_step, at += in_step) {
        eq_sums sums[EQ_VECTORS];
        EQ_UNROLL
        for (int32_t v = 0; v < EQ_VECTORS; v++) {
            sums[v] = bias[v];
        }
        EQ_UNROLL
        for (int32_t g = 0; g < groups; g++) {
            eq_taps a[EQ_VECTORS];
            eq_interleave(taps + g * EQ_STEP, at, a);
            EQ_UNROLL
            for (int32_t v = 0; v < EQ_VECTORS; v++) {
                sums[v] = eq_add_taps(sums[v], a[v], weights + (g * EQ_VECTORS + v) * 4 * EQ_LANES);
            }
        }
        EQ_UNROLL
        for (int32_t v = 0; v < EQ_VECTORS; v++) {
            sums[v] = eq_scaled(sums[v], &factors[v], rounding);
        }
        if (elements - to >= EQ_BLOCK) {
            eq_store_block(output + to, sums, bounds);
        } else {
            int8_t last[EQ_BLOCK];
            eq_store_block(last, sums, bounds);
            memcpy(output + to, last, (size_t)(elements - to));
        }
    }
}

/* Compiled once: which rounding it is costs a branch for each vector of sums. */
static __attribute__((noinline)) void eq_depthwise(const eq_depthwise_conv2d_x86_params *p, const int8_t *input,
                                                   int8_t *output, void *scratch, eq_rounding rounding)
{
    eq_activation *const lines = eq_aligned(scratch);
    eq_rows rows = {p->in_h,
                    p->in_w * p->in_c,
                    p->pad_left * p->in_c,
                    p->row,
                    (p->kernel_h - 1) * p->dilation_h + 1,
                    p->pad_value,
                    0,
                    input,
                    lines};
    const eq_activation **const taps = (const eq_activation **)(void *)(lines + (int64_t)(rows.height + 1) * p->row);
    const int32_t elements = p->out_w * p->out_c;
    eq_rows_begin(&rows);
    for (int32_t n = 0; n < p->batch; n++) {
        eq_rows_of_image(&rows, input + (int64_t)n * p->in_h * p->in_w * p->in_c);
        for (int32_t y = 0; y < p->out_h; y++) {
            const int32_t top = y * p->stride_h - p->pad_top;
            eq_rows_until(&rows, top + rows.height);
            int32_t tap = 0;
            for (int32_t ky = 0; ky < p->kernel_h; ky++) {
                const eq_activation *line = eq_row(&rows, top + ky * p->dilation_h);
                for (int32_t kx = 0; kx < p->kernel_w; kx++) {
                    taps[tap++] = line + kx * p->dilation_w * p->in_c;
                }
            }
            for (; tap < p->groups * EQ_STEP; tap++) { /* their weights are 0 */
                taps[tap] = lines;
            }
            /* What the last block of a step writes beyond it is written again, by the next step or another block. */
            for (int32_t c = (p->out_step - 1) / EQ_BLOCK * EQ_BLOCK; c >= 0; c -= EQ_BLOCK) {
                if (p->groups == EQ_GROUPS_3X3) {
                    eq_blocks(p, taps, c, output, EQ_GROUPS_3X3, rounding);
                } else {
                    eq_blocks(p, taps, c, output, p->groups, rounding);
                }
            }
            output += elements;
        }
    }
}

#endif
