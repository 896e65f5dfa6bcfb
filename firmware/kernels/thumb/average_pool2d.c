#include "eq/elementwise_thumb.h"
#include "eq/requant.h"
#include "eq/thumb_span.h"

static inline int32_t sum_of(const int8_t *at, int32_t rows, int32_t columns, int32_t row, int32_t column)
{
    int32_t total = 0;
    for (; rows > 0; rows--, at += row) {
        const int8_t *x = at;
        for (int32_t i = columns; i > 0; i--, x += column) {
            total += *x;
        }
    }
    return total;
}

/* All channels of a pixel. count: what the sum is divided by; padding: what padding adds to it. */
static inline void store(const eq_average_pool2d_params *p, const int8_t *at, eq_span y, eq_span x, int32_t count,
                         int32_t padding, int8_t *output)
{
    const int32_t half = count / 2, row = p->in_w * p->in_c;
    for (int32_t c = 0; c < p->in_c; c++) {
        const int32_t total = sum_of(at + c, y.count, x.count, row, p->in_c) + padding;
        /* C's division truncates: this rounds halves away from zero. */
        output[c] = (int8_t)eq_clamp((total < 0 ? total - half : total + half) / count, p->qmin, p->qmax);
    }
}

void eq_average_pool2d_thumb(const eq_average_pool2d_params *p, const int8_t *input, int8_t *output)
{
    const int32_t whole = p->kernel_h * p->kernel_w;
    for (int32_t n = 0; n < p->batch; n++, input += p->in_h * p->in_w * p->in_c) {
        for (int32_t oy = 0; oy < p->out_h; oy++) {
            const eq_span y = eq_span_inside(oy * p->stride_h - p->pad_top, 1, p->kernel_h, p->in_h);
            for (int32_t ox = 0; ox < p->out_w; ox++, output += p->in_c) {
                const eq_span x = eq_span_inside(ox * p->stride_w - p->pad_left, 1, p->kernel_w, p->in_w);
                const int32_t inside = y.count * x.count;
                store(p, input + (y.first * p->in_w + x.first) * p->in_c, y, x, p->count_pad ? whole : inside,
                      p->count_pad ? (whole - inside) * p->pad_value : 0, output);
            }
        }
    }
}
