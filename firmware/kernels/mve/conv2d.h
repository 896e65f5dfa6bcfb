/* Any window: those of three output pixels are collected, rows, columns, channels, and multiplied as one pixel each. */
#ifndef EQ_MVE_CONV2D_H
#define EQ_MVE_CONV2D_H

#include "conv_tile.h"
#include "eq/conv2d_mve.h"

#define NOINLINE __attribute__((noinline))

/* Positions of a window along one dimension that lie inside: first, and one behind the last. */
typedef struct {
    int32_t first, end;
} eq_span;

NOINLINE static eq_span inside(int32_t start, int32_t size, int32_t kernel, int32_t dilation)
{
    eq_span s = {0, kernel};
    if (start < 0) {
        s.first = (dilation - 1 - start) / dilation;
    }
    if (start + (kernel - 1) * dilation >= size) {
        s.end = start < size ? (size - start + dilation - 1) / dilation : 0;
    }
    if (s.first > s.end) {
        s.first = s.end;
    }
    return s;
}

/* How windows are copied: rows of bytes, and the steps from row to row. */
typedef struct {
    int32_t to_step, from_step, rows, bytes;
} eq_copy;

#if EQ_MVE_NATIVE

#define UNUSED __attribute__((unused))
#define NAKED __attribute__((naked, noinline)) static void

/* r0 and r3 steps, lr rows, r12 bytes. */
#define ENTER                                                                                                          \
    "push {r4, lr}\n\t"                                                                                                \
    "ldrd lr, r12, [r0, #8]\n\t"                                                                                       \
    "ldrd r0, r3, [r0]\n\t"

/* At most 16 bytes. */
NAKED copy_16(const eq_copy *c UNUSED, int8_t *to UNUSED, const int8_t *from UNUSED)
{
    __asm__ volatile(ENTER "vctp.8 r12\n\t"
                           "dls lr, lr\n"
                           "1:\n\t"
                           "vpstt\n\t"
                           "vldrbt.u8 q0, [r2]\n\t"
                           "vstrbt.8 q0, [r1]\n\t"
                           "add r2, r2, r3\n\t"
                           "add r1, r1, r0\n\t"
                           "le lr, 1b\n\t"
                           "pop {r4, pc}");
}

/* 48 bytes. */
NAKED copy_48(const eq_copy *c UNUSED, int8_t *to UNUSED, const int8_t *from UNUSED)
{
    __asm__ volatile(ENTER "dls lr, lr\n"
                           "1:\n\t"
                           "vldrb.8 q0, [r2]\n\t"
                           "vldrb.8 q1, [r2, #16]\n\t"
                           "vldrb.8 q2, [r2, #32]\n\t"
                           "add r2, r2, r3\n\t"
                           "vstrb.8 q0, [r1]\n\t"
                           "vstrb.8 q1, [r1, #16]\n\t"
                           "vstrb.8 q2, [r1, #32]\n\t"
                           "add r1, r1, r0\n\t"
                           "le lr, 1b\n\t"
                           "pop {r4, pc}");
}

NAKED copy_any(const eq_copy *c UNUSED, int8_t *to UNUSED, const int8_t *from UNUSED)
{
    __asm__ volatile(ENTER "mov r4, lr\n\t"
                           "add lr, r12, #15\n\t"
                           "bic lr, lr, #15\n\t"
                           "sub r0, r0, lr\n\t"
                           "sub r3, r3, lr\n"
                           "1:\n\t"
                           "dlstp.8 lr, r12\n"
                           "2:\n\t"
                           "vldrb.8 q0, [r2], #16\n\t"
                           "vstrb.8 q0, [r1], #16\n\t"
                           "letp lr, 2b\n\t"
                           "add r2, r2, r3\n\t"
                           "add r1, r1, r0\n\t"
                           "subs r4, r4, #1\n\t"
                           "bne 1b\n\t"
                           "pop {r4, pc}");
}

#else

static void copy_any(const eq_copy *c, int8_t *to, const int8_t *from)
{
    for (int32_t i = 0; i < c->rows; i++) {
        memcpy(to + i * c->to_step, from + i * c->from_step, (size_t)c->bytes);
    }
}

#define copy_16 copy_any
#define copy_48 copy_any

#endif

EQ_INLINE void copy_rows(const eq_copy *c, int8_t *to, const int8_t *from)
{
    if (c->bytes == 48) {
        copy_48(c, to, from);
    } else if (c->bytes <= 16) {
        copy_16(c, to, from);
    } else {
        copy_any(c, to, from);
    }
}

/* Collects a window of which not all lies inside, or whose columns are apart. It starts at pixel (top, left). */
NOINLINE static void collect(const eq_conv2d_mve_params *p, const int8_t *image, int32_t top, int32_t left,
                             eq_span rows, int8_t *to)
{
    const eq_span columns = inside(left, p->in_w, p->kernel_w, p->dilation_w);
    const int32_t line = p->in_w * p->in_c, run = p->kernel_w * p->in_c, down = p->dilation_h * line;
    const int32_t high = rows.end - rows.first, wide = columns.end - columns.first;
    eq_fill_s8(to, p->pad_value, p->kernel_h * run);
    if (high <= 0 || wide <= 0) {
        return;
    }
    const int8_t *from =
        image + (top + rows.first * p->dilation_h) * line + (left + columns.first * p->dilation_w) * p->in_c;
    const int dense = p->dilation_w == 1;
    const eq_copy c = {run, down, high, dense ? wide * p->in_c : p->in_c};
    to += rows.first * run + columns.first * p->in_c;
    for (int32_t kx = dense ? wide - 1 : 0; kx < wide; kx++, to += p->in_c, from += p->dilation_w * p->in_c) {
        copy_rows(&c, to, from);
    }
}

/* Values of a window, filled up. */
EQ_INLINE int32_t eq_mve_window(const eq_conv2d_mve_params *p)
{
    return (p->kernel_h * p->kernel_w * p->in_c + 15) & ~15;
}

/* tile: multiplies `kind` of matrices, whose columns it counts so, by weights of `bits` bits. What is said to be
 * channels of the input are their bytes; values have `size`. */
EQ_INLINE void eq_mve_conv2d(const eq_conv2d_mve_params *p, const int8_t *input, int8_t *output, int8_t *scratch,
                             eq_conv_tile *tile, eq_gemm_kind kind, int32_t count, int32_t bits, int32_t size)
{
    const int32_t run = p->kernel_w * p->in_c, k = eq_mve_window(p);
    const eq_copy whole = {run, p->dilation_h * p->in_w * p->in_c, p->kernel_h, run};
    const int32_t width = p->out_w, right = p->stride_w, channels = p->in_c;
    /* Where the last window starts that lies inside; there is none if its columns are apart. */
    const int32_t most = p->dilation_w == 1 ? p->in_w - p->kernel_w : -1;
    const eq_matrix m = EQ_MATRIX(p, k, kind, bits, size);
    const eq_pixels windows = {scratch, scratch + k, scratch + 2 * k, count, EQ_BLOCK / 2};
    int8_t *const full = scratch + EQ_TILE * k;
    for (int32_t n = 0; n < p->batch; n++, input += p->in_h * p->in_w * channels) {
        int8_t *to = scratch;
        for (int32_t y = 0; y < p->out_h; y++) {
            const int32_t top = y * p->stride_h - p->pad_top;
            const eq_span rows = inside(top, p->in_h, p->kernel_h, p->dilation_h);
            const int32_t last = rows.end - rows.first == p->kernel_h ? most : -1;
            const int8_t *const first = input + top * p->in_w * channels;
            int32_t left = -p->pad_left;
            for (int32_t x = 0; x < width; x++, left += right) {
                if (left >= 0 && left <= last) {
                    copy_rows(&whole, to, first + left * channels);
                } else {
                    collect(p, input, top, left, rows, to);
                }
                to += k;
                if (to == full) {
                    tile(&m, &windows, output, EQ_TILE);
                    output += EQ_TILE * m.finish.step;
                    to = scratch;
                }
            }
        }
        if (to != scratch) {
            const int32_t rest = to == scratch + k ? 1 : 2;
            tile(&m, &windows, output, rest);
            output += rest * m.finish.step;
        }
    }
}

#endif
