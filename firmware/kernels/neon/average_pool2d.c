#include "eq/pool2d_neon.h"
#include "eq/requant.h"
#include "sums16.h"
#include "window.h"

void eq_average_pool2d_neon(const eq_average_pool2d_params *p, const int8_t *input, int8_t *output)
{
    const int32_t all = p->kernel_h * p->kernel_w;
    const int64_t row = (int64_t)p->in_w * p->in_c;
    for (int32_t i = 0; i < p->batch * p->out_h * p->out_w; i++) {
        const int32_t x = i % p->out_w, y = i / p->out_w % p->out_h, n = i / p->out_w / p->out_h;
        const eq_span rows = eq_span_of(y * p->stride_h - p->pad_top, p->kernel_h, 1, p->in_h);
        const eq_span columns = eq_span_of(x * p->stride_w - p->pad_left, p->kernel_w, 1, p->in_w);
        const int8_t *from = input + (n * p->in_h + rows.first) * row + columns.first * p->in_c;
        const int32_t inside = rows.count * columns.count, count = p->count_pad ? all : inside;
        const int32_t outside = (count - inside) * p->pad_value, half = count / 2;
        for (int32_t c = 0; c < p->in_c; c += 16) { /* the last sixteen may come once more */
            const int32_t first = c + 16 <= p->in_c ? c : p->in_c - 16;
            int32_t sums[16] = {0};
            for (int32_t r = 0; r < rows.count; r++) {
                eq_sum_pixels(sums, from + r * row + first, p->in_c, columns.count);
            }
            for (int32_t k = 0; k < 16; k++) {
                const int32_t total = sums[k] + outside;
                output[first + k] =
                    (int8_t)eq_clamp((total < 0 ? total - half : total + half) / count, p->qmin, p->qmax);
            }
        }
        output += p->in_c;
    }
}
