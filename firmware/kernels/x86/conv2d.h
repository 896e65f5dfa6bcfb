/* The body of eq_conv2d_*: the rows of the input that some rows of the output read are copied, with borders, and
 * windows are multiplied where they lie. */
#ifndef EQ_X86_CONV2D_H
#define EQ_X86_CONV2D_H

#include "band.h"
#include "gemm.h"

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
            eq_gemm(p, band, output, p->out_c, NULL, rows * p->out_w, rounding);
            output += (int64_t)rows * p->out_w * p->out_c;
        }
    }
}

#endif
