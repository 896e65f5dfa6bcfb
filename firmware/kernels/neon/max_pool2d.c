#include "eq/neon.h"
#include "eq/pool2d_neon.h"
#include "window.h"

void eq_max_pool2d_neon(const eq_max_pool2d_params *p, const int8_t *input, int8_t *output)
{
    const int8x16_t low = vdupq_n_s8((int8_t)p->qmin), high = vdupq_n_s8((int8_t)p->qmax);
    const int64_t row = (int64_t)p->in_w * p->in_c;
    for (int32_t i = 0; i < p->batch * p->out_h * p->out_w; i++) {
        const int32_t x = i % p->out_w, y = i / p->out_w % p->out_h, n = i / p->out_w / p->out_h;
        const eq_span rows = eq_span_of(y * p->stride_h - p->pad_top, p->kernel_h, p->dilation_h, p->in_h);
        const eq_span columns = eq_span_of(x * p->stride_w - p->pad_left, p->kernel_w, p->dilation_w, p->in_w);
        const int8_t *from = input + (n * p->in_h + rows.first) * row + columns.first * p->in_c;
        for (int32_t c = 0; c < p->in_c; c += 16) { /* the last sixteen may come once more */
            const int32_t first = c + 16 <= p->in_c ? c : p->in_c - 16;
            int8x16_t most = low;
            for (int32_t r = 0; r < rows.count; r++) {
                const int8_t *at = from + r * p->dilation_h * row + first;
                for (int32_t k = 0; k < columns.count; k++) {
                    most = vmaxq_s8(most, vld1q_s8(at));
                    at += p->dilation_w * p->in_c;
                }
            }
            vst1q_s8(output + first, vminq_s8(most, high));
        }
        output += p->in_c;
    }
}
