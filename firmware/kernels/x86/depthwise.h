/* The body of eq_depthwise_conv2d_*: the rows of the input that an output row reads lie in scratch, with borders;
 * blocks of channels are taken from there, EQ_STEP taps at a time, and interleaved, so that an instruction multiplies
 * the taps of a channel by their weights. */
#ifndef EQ_X86_DEPTHWISE_H
#define EQ_X86_DEPTHWISE_H

#include "eq/depthwise_conv2d_x86.h"
#include "rows.h"

#define EQ_BLOCK (EQ_VECTORS * EQ_LANES) /* elements computed at once */

/* A block of the output, whose taps are `at` activations from where `taps` point. */
EQ_INLINE void eq_block(const eq_depthwise_conv2d_x86_params *p, const eq_activation *const *taps, int64_t at,
                        int32_t first, int8_t *output, int32_t left, eq_rounding rounding)
{
    const int8_t *weights = p->weights + (int64_t)first * p->groups * 4;
    eq_sums sums[EQ_VECTORS];
    EQ_UNROLL
    for (int32_t v = 0; v < EQ_VECTORS; v++) {
        sums[v] = eq_load_sums(p->bias + first + v * EQ_LANES);
    }
    for (int32_t g = 0; g < p->groups; g++) {
        eq_taps a[EQ_VECTORS];
        eq_interleave(taps + g * EQ_STEP, at, a);
        EQ_UNROLL
        for (int32_t v = 0; v < EQ_VECTORS; v++) {
            sums[v] = eq_add_taps(sums[v], a[v], weights);
            weights += 4 * EQ_LANES;
        }
    }
    EQ_UNROLL
    for (int32_t v = 0; v < EQ_VECTORS; v++) {
        sums[v] = eq_scale(sums[v], p->multiplier, p->shift, first + v * EQ_LANES, rounding);
    }
    const eq_bounds bounds = eq_bounds_of(p->zero_point, p->qmin, p->qmax);
    if (left >= EQ_BLOCK) { /* what is too much is written again with the next pixel */
        eq_store_block(output, sums, bounds);
    } else {
        int8_t last[EQ_BLOCK];
        eq_store_block(last, sums, bounds);
        memcpy(output, last, (size_t)left);
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
            int64_t from = 0;
            for (int32_t to = 0; to < elements; to += p->out_step, from += p->in_step) {
                for (int32_t c = 0; c < p->out_step && to + c < elements; c += EQ_BLOCK) {
                    eq_block(p, taps, from + c, c, output + to + c, elements - to - c, rounding);
                }
            }
            output += elements;
        }
    }
}

#endif
