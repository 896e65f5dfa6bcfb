#define EQ_X86 EQ_AVX2

#include "eq/pool2d_x86.h"
#include "window.h"

/* The greater ones of sixteen bytes; the loop is one instruction. */
EQ_INLINE void eq_greater(int8_t most[16], const int8_t *than)
{
    for (int32_t k = 0; k < 16; k++) {
        most[k] = than[k] > most[k] ? than[k] : most[k];
    }
}

void eq_max_pool2d_avx2(const eq_max_pool2d_params *p, const int8_t *input, int8_t *output)
{
    const int64_t row = (int64_t)p->in_w * p->in_c;
    for (int32_t i = 0; i < p->batch * p->out_h * p->out_w; i++) {
        const int32_t x = i % p->out_w, y = i / p->out_w % p->out_h, n = i / p->out_w / p->out_h;
        const int32_t top = y * p->stride_h - p->pad_top, left = x * p->stride_w - p->pad_left;
        const int32_t row_first = eq_first_tap(top, p->dilation_h, p->kernel_h);
        const int32_t first_tap = eq_first_tap(left, p->dilation_w, p->kernel_w);
        const int32_t rows = eq_last_tap(top, p->dilation_h, p->kernel_h, p->in_h);
        const int32_t columns = eq_last_tap(left, p->dilation_w, p->kernel_w, p->in_w);
        for (int32_t c = 0; c < p->in_c; c += 16) { /* the last sixteen may come once more */
            const int32_t first = c + 16 <= p->in_c ? c : p->in_c - 16;
            int8_t most[16];
            memset(most, p->qmin, sizeof most);
            for (int32_t r = row_first; r < rows; r++) {
                const int64_t line = (n * p->in_h + top + r * p->dilation_h) * row + first;
                for (int32_t k = first_tap; k < columns; k++) {
                    eq_greater(most, input + line + (int64_t)(left + k * p->dilation_w) * p->in_c);
                }
            }
            for (int32_t k = 0; k < 16; k++) {
                output[first + k] = most[k] > p->qmax ? (int8_t)p->qmax : most[k];
            }
        }
        output += p->in_c;
    }
}
