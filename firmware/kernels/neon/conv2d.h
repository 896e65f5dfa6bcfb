/* The body of eq_conv2d_neon and eq_conv2d_dotprod: where the windows of output pixels lie. A file that includes this
 * has defined eq_channels: the products of some windows and all weights. */
#ifndef EQ_NEON_CONV2D_H
#define EQ_NEON_CONV2D_H

#include "band.h"
#include "eq/conv2d_neon.h"

enum { EQ_MOST_TOGETHER = 64 };

/* A window's lines in one, where columns that belong together do not always lie side by side. Up to fifteen bytes more
 * are read after a line, and written after the last one. */
EQ_INLINE void eq_gather(const eq_conv2d_neon_params *p, const int8_t *from, int64_t row, int8_t *to)
{
    const int32_t pieces = p->dilation_w == 1 ? 1 : p->kernel_w,
                  bytes = (p->dilation_w == 1 ? p->kernel_w : 1) * p->in_c;
    const int64_t down = p->dilation_h * row;
    if (pieces == 1 && bytes <= 16) {
        for (int32_t ky = 0; ky < p->kernel_h; ky++) {
            vst1q_s8(to, vld1q_s8(from));
            to += bytes;
            from += down;
        }
        return;
    }
    for (int32_t ky = 0; ky < p->kernel_h; ky++) {
        for (int32_t i = 0; i < pieces; i++) {
            eq_copy_over(to, from + i * p->dilation_w * p->in_c, bytes);
            to += bytes;
        }
        from += down;
    }
}

/* All output pixels of some rows. `from` is the first one's window, `pixel` the bytes from a pixel of the input to the
 * next, `row` those from a row to the next, `step` those between pixels of the output. */
EQ_INLINE void eq_pixels(const eq_conv2d_neon_params *p, const int8_t *from, int64_t pixel, int64_t row, int32_t rows,
                         int8_t *output, int64_t step, int8_t *windows, const eq_output *o, eq_rounding rounding)
{
    const int8_t *at[EQ_MOST_TOGETHER];
    const int64_t down = p->stride_h * row, right = p->stride_w * pixel, line = p->dilation_h * row;
    /* Rows are one if their windows follow one another. */
    const int32_t pixels = rows * p->out_w, width = right * p->out_w == down ? pixels : p->out_w;
    int32_t x = 0;
    for (int32_t first = 0; first < pixels; first += p->together) {
        const int32_t count = pixels - first < p->together ? pixels - first : p->together;
        for (int32_t i = 0; i < count;) {
            const int32_t now = width - x < count - i ? width - x : count - i;
            const int8_t *window = from + x * right;
            for (int32_t k = 0; k < now; k++) {
                at[i + k] = window + k * right;
            }
            i += now;
            x += now;
            if (x == width) {
                x = 0;
                from += down;
            }
        }
        for (int32_t i = 0; i < count && p->gather; i++) {
            int8_t *to = windows + (int64_t)i * p->run;
            eq_gather(p, at[i], row, to);
            at[i] = to;
        }
        eq_channels(p, at, line - p->run, output, step, count, o, rounding);
        output += count * step;
    }
}

/* Once for each rounding. */
EQ_INLINE void eq_conv2d(const eq_conv2d_neon_params *params, const int8_t *input, int8_t *output, void *scratch,
                         eq_rounding rounding)
{
    eq_output o = eq_output_of(params->zero_point, params->qmin, params->qmax);
    o.small = params->small;
    if (params->band == 0 && params->batch * params->out_h * params->out_w == 1) {
        const int8_t *const at[1] = {input};
        const int64_t line = (int64_t)params->dilation_h * params->in_w * params->in_c;
        eq_channels(params, at, line - params->run, output, 0, 1, &o, rounding);
        return;
    }
    /* A copy that nothing else points to: its members stay in registers whatever is written to memory. */
    const eq_conv2d_neon_params own = *params, *const p = &own;
    eq_band b = {p->in_h, p->in_w, p->in_c, 0, -p->pad_left, 0, 0, p->pad_value};
    b.columns = (p->out_w - 1) * p->stride_w + (p->kernel_w - 1) * p->dilation_w + 1;
    for (int32_t n = 0; n < p->batch; n++) {
        const int8_t *image = input + (int64_t)n * p->in_h * p->in_w * p->in_c;
        int8_t *to = output + (int64_t)n * p->out_h * p->out_w * p->out_c;
        if (p->band == 0) {
            eq_pixels(p, image, p->in_c, (int64_t)p->in_w * p->in_c, p->out_h, to, p->out_c, scratch, &o, rounding);
        }
        for (int32_t y = 0; p->band != 0 && y < p->out_h; y += p->band) {
            const int32_t rows = p->out_h - y < p->band ? p->out_h - y : p->band;
            int8_t *copy = scratch, *windows = copy;
            b.top = y * p->stride_h - p->pad_top;
            b.rows = (p->band - 1) * p->stride_h + (p->kernel_h - 1) * p->dilation_h + 1;
            windows += (int64_t)b.rows * b.columns * b.in_c + 16;
            b.rows -= (p->band - rows) * p->stride_h;
            eq_copy_band(&b, image, copy);
            eq_pixels(p, copy, b.in_c, (int64_t)b.columns * b.in_c, rows, to + (int64_t)y * p->out_w * p->out_c,
                      p->out_c, windows, &o, rounding);
        }
    }
}

#endif
