/* The body of eq_conv_parts_neon and eq_conv_parts_dotprod: one part after another. A file that includes this has
 * included tiles.h. */
#ifndef EQ_NEON_CONV_PARTS_H
#define EQ_NEON_CONV_PARTS_H

#include "conv2d.h"
#include "eq/conv_parts_neon.h"

/* A part as a convolution by itself. */
EQ_INLINE eq_conv2d_neon_params eq_part_of(const eq_conv_parts_neon_params *p, const eq_conv_part *part)
{
    eq_conv2d_neon_params c = {0};
    c.in_c = p->part_in;
    c.out_w = part->out_w;
    c.out_c = p->part_out;
    c.kernel_h = part->kernel_h;
    c.kernel_w = part->kernel_w;
    c.stride_h = p->stride_h;
    c.stride_w = p->stride_w;
    c.dilation_h = p->dilation_h;
    c.dilation_w = p->dilation_w;
    c.band = part->band;
    c.gather = part->gather;
    c.lines = part->lines;
    c.run = part->run;
    c.together = p->together;
    c.weights = p->weights + part->first_weight;
    c.bias = p->bias + part->first_channel;
    c.multiplier = p->multiplier + part->first_channel;
    c.shift = p->shift ? p->shift + part->first_channel : 0;
    return c;
}

/* Rows of a part: at once if their pixels follow one another as those of a row do. */
EQ_INLINE void eq_part_rows(const eq_conv_parts_neon_params *p, const eq_conv2d_neon_params *c, const int8_t *from,
                            int64_t pixel, int64_t row, int32_t rows, int8_t *output, int8_t *windows,
                            const eq_output *o, eq_rounding rounding)
{
    const int64_t step = (int64_t)p->out_stride_w * p->out_c;
    const int64_t down = (int64_t)p->out_stride_h * p->out_w * p->out_c;
    const int32_t at_once = down == c->out_w * step ? rows : 1;
    for (int32_t y = 0; y < rows; y += at_once) {
        eq_pixels(c, from + y * c->stride_h * row, pixel, row, at_once, output + y * down, step, windows, o, rounding);
    }
}

/* All of a part. */
EQ_INLINE void eq_part(const eq_conv_parts_neon_params *p, const eq_conv_part *part, const int8_t *image,
                       int8_t *output, int8_t *scratch, const eq_output *o, eq_rounding rounding)
{
    const eq_conv2d_neon_params c = eq_part_of(p, part);
    const int64_t down = (int64_t)p->out_stride_h * p->out_w * p->out_c;
    if (c.band == 0) {
        eq_part_rows(p, &c, image, p->in_c, (int64_t)p->in_w * p->in_c, part->out_h, output, scratch, o, rounding);
    }
    eq_band b = {p->in_h, p->in_w, p->in_c, 0, -part->pad_left, 0, 0, p->pad_value};
    b.columns = (c.out_w - 1) * c.stride_w + (c.kernel_w - 1) * c.dilation_w + 1;
    for (int32_t y = 0; c.band != 0 && y < part->out_h; y += c.band) {
        const int32_t rows = part->out_h - y < c.band ? part->out_h - y : c.band;
        b.top = y * c.stride_h - part->pad_top;
        b.rows = (c.band - 1) * c.stride_h + (c.kernel_h - 1) * c.dilation_h + 1;
        int8_t *const windows = scratch + (int64_t)b.rows * b.columns * c.in_c + 16;
        b.rows -= (c.band - rows) * c.stride_h;
        if (c.in_c == p->in_c) {
            eq_copy_band(&b, image, scratch);
        } else {
            eq_copy_channels(&b, c.in_c, image, scratch);
        }
        eq_part_rows(p, &c, scratch, c.in_c, (int64_t)b.columns * c.in_c, rows, output + y * down, windows, o,
                     rounding);
    }
}

/* Once for each rounding. */
EQ_INLINE void eq_conv_parts(const eq_conv_parts_neon_params *params, const int8_t *input, int8_t *output,
                             void *scratch, eq_rounding rounding)
{
    const eq_conv_parts_neon_params own = *params, *const p = &own;
    eq_output o = eq_output_of(p->zero_point, p->qmin, p->qmax);
    o.small = p->small;
    const eq_conv_part *const parts = (const eq_conv_part *)(const void *)p->parts;
    for (int32_t n = 0; n < p->batch; n++) {
        for (int32_t i = 0; i < p->count; i++) {
            eq_part(p, parts + i, input + parts[i].from, output + parts[i].to, scratch, &o, rounding);
        }
        input += (int64_t)p->in_h * p->in_w * p->in_c;
        output += (int64_t)p->out_h * p->out_w * p->out_c;
    }
}

#endif
