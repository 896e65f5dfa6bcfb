#include "clamp.h"
#include "eq/average_pool2d_dsp.h"
#include "eq/requant.h"
#include "span.h"
#include "sums.h"

/* The quotient of `total` and `count`, halves away from zero. */
static inline int8_t average(int32_t total, int32_t count, int32_t half)
{
    return (int8_t)((total < 0 ? total - half : total + half) / count);
}

static void pixel(const eq_average_pool2d_params *p, const int8_t *image, eq_span rows, eq_span cols, int8_t *output)
{
    const int32_t inside = rows.count * cols.count, window = p->kernel_h * p->kernel_w;
    const int32_t count = p->count_pad ? window : inside, half = count / 2;
    const int32_t outside = p->count_pad ? (window - inside) * p->pad_value : 0;
    const int32_t row = p->in_w * p->in_c;
    const int8_t *const start = image + rows.first * row + cols.first * p->in_c;
    for (int32_t c = 0; c < p->in_c; c += 4) {
        /* The last four channels may come once more. */
        const int32_t base = c + 4 <= p->in_c ? c : p->in_c - 4;
        eq_sums sums = {{outside, outside, outside, outside}};
        eq_pair_sums pairs = {0, 0};
        for (int32_t y = 0; y < rows.count; y++) {
            eq_sum_pixels(&pairs, start + base + y * row, p->in_c, cols.count);
        }
        eq_add_sums(&sums, pairs);
        for (int32_t k = 0; k < 4; k++) {
            output[base + k] = average(sums.of[k], count, half);
        }
    }
    eq_clamp_bytes(output, p->in_c, p->qmin, p->qmax);
}

void eq_average_pool2d_dsp(const eq_average_pool2d_params *p, const int8_t *input, int8_t *output)
{
    for (int32_t n = 0; n < p->batch; n++, input += p->in_h * p->in_w * p->in_c) {
        for (int32_t y = 0; y < p->out_h; y++) {
            const eq_span rows = eq_span_of(y * p->stride_h - p->pad_top, p->kernel_h, 1, p->in_h);
            for (int32_t x = 0; x < p->out_w; x++, output += p->in_c) {
                const eq_span cols = eq_span_of(x * p->stride_w - p->pad_left, p->kernel_w, 1, p->in_w);
                pixel(p, input, rows, cols, output);
            }
        }
    }
}
