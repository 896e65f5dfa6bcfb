/* The body of eq_conv2d_*: the rows of the input that some rows of the output read are copied, with borders, and
 * windows are multiplied where they lie. */
#ifndef EQ_X86_CONV2D_H
#define EQ_X86_CONV2D_H

#include "gemm.h"

EQ_INLINE void eq_fill(eq_activation *to, eq_activation value, int32_t n)
{
    for (int32_t i = 0; i < n; i++) {
        to[i] = value;
    }
}

/* `rows` rows of an image from row `first` on, as activations with borders. */
EQ_INLINE void eq_copy_band(const eq_conv2d_x86_params *p, const int8_t *image, int32_t first, int32_t rows,
                            eq_activation *band)
{
    const eq_activation outside = eq_activation_of((int8_t)p->pad_value);
    const int32_t elements = p->in_w * p->in_c, left = p->pad_left * p->in_c;
    const int32_t n = elements < p->row - left ? elements : p->row - left;
    for (int32_t r = 0; r < rows; r++, band += p->row) {
        const int32_t y = first + r;
        if (y < 0 || y >= p->in_h) {
            eq_fill(band, outside, p->row);
            continue;
        }
        eq_fill(band, outside, left);
        eq_collect(band + left, image + (int64_t)y * elements, n);
        eq_fill(band + left + n, outside, p->row - left - n);
    }
}

/* Compiled once: which rounding it is costs a branch for each vector of sums. */
static __attribute__((noinline)) void eq_conv2d(const eq_conv2d_x86_params *p, const int8_t *input, int8_t *output,
                                                void *scratch, eq_rounding rounding)
{
    eq_activation *const band = (eq_activation *)scratch;
    const int32_t height = (p->kernel_h - 1) * p->dilation_h + 1;
    for (int32_t n = 0; n < p->batch; n++) {
        const int8_t *image = input + (int64_t)n * p->in_h * p->in_w * p->in_c;
        for (int32_t y = 0; y < p->out_h; y += p->together) {
            const int32_t rows = p->together < p->out_h - y ? p->together : p->out_h - y;
            eq_copy_band(p, image, y * p->stride_h - p->pad_top, (rows - 1) * p->stride_h + height, band);
            eq_gemm(p, band, output, rows * p->out_w, rounding);
            output += (int64_t)rows * p->out_w * p->out_c;
        }
    }
}

#endif
