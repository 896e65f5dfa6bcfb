#define EQ_X86 EQ_AVX2

#include "eq/pool2d_x86.h"
#include "sixteen.h"
#include "window.h"

void eq_average_pool2d_avx2(const eq_average_pool2d_params *p, const int8_t *input, int8_t *output)
{
    const int32_t all = p->kernel_h * p->kernel_w;
    const int64_t row = (int64_t)p->in_w * p->in_c;
    for (int32_t i = 0; i < p->batch * p->out_h * p->out_w; i++) {
        const int32_t x = i % p->out_w, y = i / p->out_w % p->out_h, n = i / p->out_w / p->out_h;
        const int32_t top = y * p->stride_h - p->pad_top, left = x * p->stride_w - p->pad_left;
        const int32_t row_first = eq_first_tap(top, p->dilation_h, p->kernel_h);
        const int32_t first_tap = eq_first_tap(left, p->dilation_w, p->kernel_w);
        const int32_t rows = eq_last_tap(top, p->dilation_h, p->kernel_h, p->in_h) - row_first;
        const int32_t columns = eq_last_tap(left, p->dilation_w, p->kernel_w, p->in_w) - first_tap;
        const int32_t inside = rows > 0 && columns > 0 ? rows * columns : 0, count = p->count_pad ? all : inside;
        const int32_t outside = (count - inside) * p->pad_value, half = count / 2;
        const int64_t begin = (n * p->in_h + top + row_first * p->dilation_h) * row +
                              (int64_t)(left + first_tap * p->dilation_w) * p->in_c;
        for (int32_t c = 0; c < p->in_c; c += 16) { /* the last sixteen may come once more */
            const int32_t first = c + 16 <= p->in_c ? c : p->in_c - 16;
            int32_t sums[16] = {0};
            for (int32_t r = 0; r < rows && inside > 0; r++) {
                eq_sum_pixels(sums, input + begin + r * p->dilation_h * row + first, (int64_t)p->dilation_w * p->in_c,
                              columns);
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
