/* The body of eq_depthwise_conv2d_*: bands of rows. A file that includes this has defined eq_rows: some output rows, of
 * which the first window begins at `from`. */
#ifndef EQ_NEON_DEPTHWISE_BANDS_H
#define EQ_NEON_DEPTHWISE_BANDS_H

#include "band.h"

EQ_INLINE void eq_depthwise(const eq_depthwise_conv2d_neon_params *params, const int8_t *input, int8_t *output,
                            void *scratch, eq_rounding rounding)
{
    const eq_depthwise_conv2d_neon_params own = *params, *const p = &own;
    eq_output o = eq_output_of(p->zero_point, p->qmin, p->qmax);
    o.small = p->small;
    eq_band b = {p->in_h, p->in_w, p->in_c, 0, -p->pad_left, 0, 0, p->pad_value};
    b.columns = (p->out_w - 1) * p->stride_w + (p->kernel_w - 1) * p->dilation_w + 1;
    const int64_t row = (int64_t)b.columns * p->in_c;
    const int32_t most = (p->band - 1) * p->stride_h + (p->kernel_h - 1) * p->dilation_h + 1;
    int8_t *const copy = scratch, *const rest = copy + most * row + 16;
    for (int32_t n = 0; n < p->batch; n++) {
        for (int32_t y = 0; y < p->out_h; y += p->band) {
            const int32_t rows = p->out_h - y < p->band ? p->out_h - y : p->band;
            b.top = y * p->stride_h - p->pad_top;
            b.rows = most - (p->band - rows) * p->stride_h;
            eq_copy_band(&b, input + (int64_t)n * p->in_h * p->in_w * p->in_c, copy);
            eq_rows(p, copy, row, rows, output + ((int64_t)n * p->out_h + y) * p->out_w * p->out_c, rest, &o, rounding);
        }
    }
}

#endif
