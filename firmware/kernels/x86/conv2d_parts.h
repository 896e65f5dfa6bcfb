/* The body of eq_conv2d_parts_*: as that of eq_conv2d_*, but several products are made of each copy of rows. */
#ifndef EQ_X86_CONV2D_PARTS_H
#define EQ_X86_CONV2D_PARTS_H

#include "band.h"
#include "eq/conv2d_parts_x86.h"
#include "gemm.h"

/* Some rows of a part, from row y on. */
EQ_INLINE void eq_part(const eq_conv2d_parts_x86_params *p, const int32_t *part, const eq_activation *band,
                       int8_t *output, int32_t y, eq_rounding rounding)
{
    const int32_t left = part[EQ_PART_ROWS] - y, rows = p->together < left ? p->together : left;
    const int32_t columns = part[EQ_PART_COLUMNS];
    const eq_conv2d_x86_params own = {.in_c = p->in_c,
                                      .out_w = columns,
                                      .out_c = part[EQ_PART_CHANNELS],
                                      .stride_h = p->stride_h,
                                      .stride_w = p->stride_w,
                                      .depth = part[EQ_PART_DEPTH],
                                      .row = p->row,
                                      .offsets = p->offsets + part[EQ_PART_OFFSETS],
                                      .weights = p->weights + part[EQ_PART_WEIGHTS],
                                      .bias = p->bias + part[EQ_PART_SUMS],
                                      .multiplier = p->multiplier + part[EQ_PART_SUMS],
                                      .shift = p->shift ? p->shift + part[EQ_PART_SUMS] : NULL,
                                      .zero_point = p->zero_point,
                                      .qmin = p->qmin,
                                      .qmax = p->qmax};
    const eq_activation *const windows = band + part[EQ_PART_WINDOW];
    int8_t *to = output + part[EQ_PART_OUTPUT] + (int64_t)y * p->out_row;
    const int side_by_side = p->out_row == columns * p->out_step;
    const int32_t count = side_by_side ? rows * columns : columns, times = side_by_side ? rows > 0 : rows;
    for (int32_t r = 0; r < times; r++, to += p->out_row) {
        eq_gemm(&own, windows + (int64_t)r * p->stride_h * p->row, to, p->out_step, NULL, count, rounding);
    }
}

/* Compiled once: which rounding it is costs a branch for each vector of sums. */
static __attribute__((noinline)) void eq_conv2d_parts(const eq_conv2d_parts_x86_params *p, const int8_t *input,
                                                      int8_t *output, void *scratch, eq_rounding rounding)
{
    eq_activation *const band = (eq_activation *)scratch;
    const eq_conv2d_x86_params image = {.in_h = p->in_h,
                                        .in_w = p->in_w,
                                        .in_c = p->in_c,
                                        .pad_left = p->pad_left,
                                        .pad_value = p->pad_value,
                                        .row = p->row};
    for (int32_t n = 0; n < p->batch; n++, output += p->out_size) {
        for (int32_t y = 0; y < p->rows; y += p->together) {
            const int32_t rows = p->together < p->rows - y ? p->together : p->rows - y;
            eq_copy_band(&image, input, y * p->stride_h - p->pad_top, (rows - 1) * p->stride_h + p->height, band);
            for (int32_t i = 0; i < p->count; i++) {
                eq_part(p, p->parts + i * EQ_PART_NUMBERS, band, output, y, rounding);
            }
        }
        input += (int64_t)p->in_h * p->in_w * p->in_c;
    }
}

#endif
