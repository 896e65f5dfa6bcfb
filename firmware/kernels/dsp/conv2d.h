/* Windows in threes times a matrix, whose weights the micro-kernel knows. */
#ifndef EQ_DSP_CONV2D_H
#define EQ_DSP_CONV2D_H

#include "eq/conv2d_dsp.h"
#include "gemm.h"

/* An output pixel, and the image that it is computed from. */
typedef struct {
    const int8_t *image;
    int32_t y, x;
} place;

/* `by` pixels further; by is at most 3. */
static inline void advance(const eq_conv2d_dsp_params *p, place *at, int32_t by)
{
    at->x += by;
    while (at->x >= p->out_w) {
        at->x -= p->out_w;
        at->y++;
        if (at->y == p->out_h) {
            at->y = 0;
            at->image += p->in_h * p->in_w * p->in_c;
        }
    }
}

/* Where the window of an output pixel begins in its image; only if all of it is inside. */
static inline const int8_t *window(const eq_conv2d_dsp_params *p, const place *at)
{
    const int32_t y = at->y * p->stride_h - p->pad_top, x = at->x * p->stride_w - p->pad_left;
    return at->image + (y * p->in_w + x) * p->in_c;
}

/* Whether the windows of `count` output pixels from this one on are all inside, in one row, with columns side by side.
 */
static inline int is_inside(const eq_conv2d_dsp_params *p, const place *at, int32_t count)
{
    return at->x >= p->inside_left && at->x + count <= p->inside_right && at->y >= p->inside_top &&
           at->y < p->inside_bottom;
}

static inline int outside(int32_t at, int32_t size)
{
    return (uint32_t)at >= (uint32_t)size;
}

/* n bytes; nothing beside them is read or written. */
static EQ_NOINLINE void copy(int8_t *to, const int8_t *from, int32_t n)
{
    if (n < 4) {
        for (int32_t i = 0; i < n; i++) {
            to[i] = from[i];
        }
        return;
    }
    for (; n > 4; n -= 4, to += 4, from += 4) {
        memcpy(to, from, 4);
    }
    memcpy(to + n - 4, from + n - 4, 4);
}

static EQ_NOINLINE void fill(int8_t *to, int32_t value, int32_t n)
{
    const int8_t byte = (int8_t)value;
    const int8_t word[4] = {byte, byte, byte, byte};
    for (; n >= 4; n -= 4, to += 4) {
        memcpy(to, word, 4);
    }
    for (int32_t i = 0; i < n; i++) {
        to[i] = byte;
    }
}

/* A row of a window whose columns are not side by side. */
static void compose_dilated(const eq_conv2d_dsp_params *p, const int8_t *image_row, int32_t x, int8_t *to)
{
    for (int32_t kx = 0; kx < p->kernel_w; kx++, x += p->dilation_w, to += p->in_c) {
        if (outside(x, p->in_w)) {
            fill(to, p->pad_value, p->in_c);
        } else {
            copy(to, image_row + x * p->in_c, p->in_c);
        }
    }
}

/* What shifts make of the four bytes of a row that lies partly in the padding: they are read from `offset` on, moved up
 * by `left` bits and down by `right`, one of which is 0, and `padding` fills the gap. */
typedef struct {
    int32_t offset;
    uint32_t left, right, padding;
} shifted;

static inline shifted find_shift(const eq_conv2d_dsp_params *p, int32_t x)
{
    const uint32_t padding = (uint32_t)(p->pad_value & 0xff) * 0x01010101U;
    if (x < 0) {
        const uint32_t bits = (uint32_t)(-x * p->in_c) * 8;
        return (shifted){0, bits, 0, padding >> (32 - bits)};
    }
    const uint32_t bits = (uint32_t)((x + p->kernel_w - p->in_w) * p->in_c) * 8;
    return (shifted){p->in_w * p->in_c - 4, 0, bits, padding << (32 - bits)};
}

/* The window's bytes, row after row, as if the image had its padding. */
static void compose(const eq_conv2d_dsp_params *p, const place *at, int8_t *to)
{
    const int32_t top = at->y * p->stride_h - p->pad_top, x = at->x * p->stride_w - p->pad_left;
    const int32_t run = p->kernel_w * p->in_c, over = x + p->kernel_w - p->in_w;
    const int32_t left = x < 0 ? -x * p->in_c : 0, right = over > 0 ? over * p->in_c : 0;
    const int is_word = run == 4 && p->dilation_w == 1 && (left == 0) != (right == 0) && left < 4 && right < 4 &&
                        p->in_w * p->in_c >= 4;
    const shifted shift = is_word ? find_shift(p, x) : (shifted){0, 0, 0, 0};
    for (int32_t ky = 0; ky < p->kernel_h; ky++, to += run) {
        const int32_t y = top + ky * p->dilation_h;
        const int8_t *const row = at->image + y * p->in_w * p->in_c;
        if (outside(y, p->in_h)) {
            fill(to, p->pad_value, run);
        } else if (is_word) {
            const uint32_t word = (uint32_t)eq_load4(row + shift.offset) << shift.left >> shift.right | shift.padding;
            memcpy(to, &word, 4);
        } else if (p->dilation_w > 1) {
            compose_dilated(p, row, x, to);
        } else if (left >= run || right >= run) {
            fill(to, p->pad_value, run);
        } else {
            fill(to, p->pad_value, left);
            copy(to + left, row + x * p->in_c + left, run - left - right);
            fill(to + run - right, p->pad_value, right);
        }
    }
}

/* What whole words leave of the rows of three windows: `rest` values of each row, from `start` on. */
static inline void widen_rests(const eq_dsp_rows *from, int32_t start, int32_t rest, int32_t rows, int8_t *bytes,
                               int32_t *x)
{
    if (rest == 1 && rows == 3) {
        for (int32_t i = 0; i < 3; i++) {
            const int8_t *const at = from->at[i] + start;
            const int32_t step = from->step[i];
            x[i] = eq_pkhbt(at[0], at[2 * step]);
            x[3 + i] = eq_pkhbt(at[step], 0);
        }
        return;
    }
    const int32_t n = rest * rows;
    for (int32_t i = 0; i < 3; i++) {
        const int8_t *at = from->at[i] + start;
        int8_t *to = bytes + i * n;
        for (int32_t ky = 0; ky < rows; ky++, at += from->step[i], to += rest) {
            copy(to, at, rest);
        }
    }
    eq_dsp_widen(bytes, bytes + n, bytes + 2 * n, n, x);
}

/* Finds `valid` windows from `at` on, and the last one again up to three; `at` moves behind them. Those that are not as
 * is_inside wants them are put together in `bytes`; returns what is left of it. */
static int8_t *find_windows(const eq_conv2d_dsp_params *p, place *at, int32_t valid, int8_t *bytes, eq_dsp_rows *from)
{
    const int32_t run = p->kernel_w * p->in_c, step = p->dilation_h * p->in_w * p->in_c;
    for (int32_t i = 0; i < 3; i++) {
        if (i >= valid) {
            from->at[i] = from->at[i - 1];
            from->step[i] = from->step[i - 1];
            continue;
        }
        if (is_inside(p, at, 1)) {
            from->at[i] = window(p, at);
            from->step[i] = step;
        } else {
            compose(p, at, bytes);
            from->at[i] = bytes;
            from->step[i] = run;
            bytes += p->kernel_h * run;
        }
        advance(p, at, 1);
    }
    return bytes;
}

EQ_INLINE void eq_dsp_conv2d(const eq_conv2d_dsp_params *p, const int8_t *input, int8_t *output, void *scratch,
                             eq_dsp_gemm *gemm)
{
    const int32_t run = p->kernel_w * p->in_c, words = run >> 2, rest = run & 3;
    const int32_t step = p->dilation_h * p->in_w * p->in_c, beside = p->stride_w * p->in_c;
    int32_t *const x = scratch;
    int8_t *const spare = (int8_t *)scratch + 6 * p->gemm.k;
    place at = {input, 0, 0};
    for (int32_t left = p->batch * p->out_h * p->out_w; left > 0; left -= 3) {
        const int32_t valid = left < 3 ? left : 3;
        int8_t *bytes = spare + p->spare;
        int32_t *to = x;
        eq_dsp_rows from;
        if (is_inside(p, &at, 3)) {
            const int8_t *const first = window(p, &at);
            from = (eq_dsp_rows){{first, first + beside, first + 2 * beside}, {step, step, step}};
            advance(p, &at, 3);
        } else {
            bytes = find_windows(p, &at, valid, bytes, &from);
        }
        if (words) {
            to = eq_dsp_widen_rows(&from, words, p->kernel_h, to);
        }
        if (rest) {
            widen_rests(&from, 4 * words, rest, p->kernel_h, bytes, to);
        }
        eq_dsp_store(gemm, &p->gemm, x, valid, output, spare);
        output += 3 * p->gemm.out_c;
    }
}

#endif
