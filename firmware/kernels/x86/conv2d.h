/* The body of eq_conv2d_*: windows are collected, so many at a time, and multiplied with the weights of all channels.
 */
#ifndef EQ_X86_CONV2D_H
#define EQ_X86_CONV2D_H

#include "gemm.h"
#include "window.h"

/* The window of an output pixel, the rest of its last step included. */
EQ_INLINE void eq_window(const eq_conv2d_x86_params *p, const int8_t *image, int32_t y, int32_t x, eq_activation *to)
{
    const int8_t *last = image + (int64_t)p->in_h * p->in_w * p->in_c;
    const int32_t c = p->in_c, row = p->kernel_w * c;
    const int32_t top = y * p->stride_h - p->pad_top, left = x * p->stride_w - p->pad_left;
    const int32_t begin = eq_first_tap(left, p->dilation_w, p->kernel_w);
    const int32_t taps = eq_last_tap(left, p->dilation_w, p->kernel_w, p->in_w);
    const int32_t end = taps < begin ? begin : taps;
    for (int32_t ky = 0; ky < p->kernel_h; ky++) {
        const int32_t iy = top + ky * p->dilation_h;
        eq_activation *tap = to + (int64_t)ky * row;
        if (iy < 0 || iy >= p->in_h) {
            eq_fill(tap, p->pad_value, row);
            continue;
        }
        const int8_t *line = image + (int64_t)iy * p->in_w * c;
        eq_fill(tap, p->pad_value, begin * c);
        if (p->dilation_w == 1) {
            eq_collect(tap + begin * c, line + (left + begin) * c, (end - begin) * c, last);
        } else {
            for (int32_t kx = begin; kx < end; kx++) {
                eq_collect(tap + kx * c, line + (left + kx * p->dilation_w) * c, c, last);
            }
        }
        eq_fill(tap + end * c, p->pad_value, row - end * c);
    }
    const int32_t used = p->kernel_h * row;
    eq_fill(to + used, 0, p->depth - used);
}

/* Compiled once: which rounding it is costs a branch for each vector of sums. */
static __attribute__((noinline)) void eq_conv2d(const eq_conv2d_x86_params *p, const int8_t *input, int8_t *output,
                                                void *scratch, eq_rounding rounding)
{
    eq_activation *const windows = (eq_activation *)scratch;
    const int32_t pixels = p->out_h * p->out_w;
    const int64_t size = (int64_t)p->in_h * p->in_w * p->in_c;
    /* Where a window is a pixel, windows lie side by side in the input. */
    const int direct = p->out_h == p->in_h && p->out_w == p->in_w && p->depth == p->in_c;
    for (int32_t n = 0; n < p->batch; n++) {
        const int8_t *image = input + n * size;
        int8_t *to = output + (int64_t)n * pixels * p->out_c;
        int32_t y = 0, x = 0;
        for (int32_t first = 0; first < pixels; first += p->together) {
            const int32_t count = eq_least(p->together, pixels - first);
            if (direct) {
                const int8_t *from = image + (int64_t)first * p->in_c;
                eq_collect(windows, from, count * p->in_c, image + size);
            }
            for (int32_t i = 0; i < count && !direct; i++) {
                eq_window(p, image, y, x, windows + (int64_t)i * p->depth);
                x++;
                if (x == p->out_w) {
                    x = 0;
                    y++;
                }
            }
            eq_gemm(p, windows, to + (int64_t)first * p->out_c, count, rounding);
        }
    }
}

#endif
