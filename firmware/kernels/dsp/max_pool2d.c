#include "eq/dsp.h"
#include "eq/max_pool2d_dsp.h"
#include "span.h"

static void pixel(const eq_max_pool2d_params *p, const int8_t *image, eq_span rows, eq_span cols, int8_t *output)
{
    const int32_t row = p->dilation_h * p->in_w * p->in_c, step = p->dilation_w * p->in_c;
    const int32_t low = eq_splat8(p->qmin), high = eq_splat8(p->qmax);
    const int8_t *const start = image + (rows.first * p->in_w + cols.first) * p->in_c;
    for (int32_t c = 0; c < p->in_c; c += 4) {
        /* The last four channels may come once more. */
        const int32_t base = c + 4 <= p->in_c ? c : p->in_c - 4;
        int32_t found = low;
        for (int32_t y = 0; y < rows.count; y++) {
            const int8_t *from = start + base + y * row;
            for (int32_t x = 0; x < cols.count; x++, from += step) {
                found = eq_smax8(found, eq_load4(from));
            }
        }
        eq_store4(output + base, eq_smin8(found, high));
    }
}

void eq_max_pool2d_dsp(const eq_max_pool2d_params *p, const int8_t *input, int8_t *output)
{
    for (int32_t n = 0; n < p->batch; n++, input += p->in_h * p->in_w * p->in_c) {
        for (int32_t y = 0; y < p->out_h; y++) {
            const eq_span rows = eq_span_of(y * p->stride_h - p->pad_top, p->kernel_h, p->dilation_h, p->in_h);
            for (int32_t x = 0; x < p->out_w; x++, output += p->in_c) {
                const int32_t left = x * p->stride_w - p->pad_left;
                pixel(p, input, rows, eq_span_of(left, p->kernel_w, p->dilation_w, p->in_w), output);
            }
        }
    }
}
