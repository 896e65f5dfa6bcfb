#include "eq/pool2d_int16.h"
#include "eq/requant.h"
#include "eq/thumb_inline.h"
#include "eq/thumb_span.h"

/* What lies within the image of a window: rows and columns, and how many values one is from the next. */
typedef struct {
    int32_t rows, columns, down, right;
} window;

EQ_FLATTEN int32_t next(int32_t total, int32_t value, int average)
{
    return average ? total + value : value > total ? value : total;
}

/* `count` channels, 4 or 1, from `at` on. */
EQ_FLATTEN void collect(const int16_t *at, const window *w, int32_t *totals, int32_t count, int average)
{
    const int32_t first = average ? 0 : INT16_MIN;
    int32_t a = first, b = first, c = first, d = first;
    for (int32_t rows = w->rows; rows > 0; rows--, at += w->down) {
        const int16_t *x = at;
        for (int32_t i = w->columns; i > 0; i--, x += w->right) {
            a = next(a, x[0], average);
            if (count == 4) {
                b = next(b, x[1], average);
                c = next(c, x[2], average);
                d = next(d, x[3], average);
            }
        }
    }
    totals[0] = a, totals[1] = b, totals[2] = c, totals[3] = d;
}

EQ_FLATTEN void pool(const eq_pool2d_int16_params *p, const int16_t *input, int16_t *output, int average)
{
    const int32_t whole = p->kernel_h * p->kernel_w;
    window w = {0, 0, p->dilation_h * p->in_w * p->in_c, p->dilation_w * p->in_c};
    for (int32_t n = 0; n < p->batch; n++, input += p->in_h * p->in_w * p->in_c) {
        for (int32_t oy = 0; oy < p->out_h; oy++) {
            const eq_span y = eq_span_inside(oy * p->stride_h - p->pad_top, p->dilation_h, p->kernel_h, p->in_h);
            w.rows = y.count;
            for (int32_t ox = 0; ox < p->out_w; ox++, output += p->in_c) {
                const eq_span x = eq_span_inside(ox * p->stride_w - p->pad_left, p->dilation_w, p->kernel_w, p->in_w);
                const int16_t *const at = input + (y.first * p->in_w + x.first) * p->in_c;
                const int32_t divisor = p->count_pad ? whole : y.count * x.count, half = divisor / 2;
                w.columns = x.count;
                for (int32_t c = 0, some; c < p->in_c; c += some) {
                    int32_t totals[4];
                    some = p->in_c - c < 4 ? 1 : 4;
                    if (some == 4) {
                        collect(at + c, &w, totals, 4, average);
                    } else {
                        collect(at + c, &w, totals, 1, average);
                    }
                    for (int32_t i = 0; i < some; i++) {
                        const int32_t total = totals[i];
                        /* C's division truncates: this rounds halves away from zero. */
                        const int32_t result = average ? (total < 0 ? total - half : total + half) / divisor : total;
                        output[c + i] = (int16_t)eq_clamp(result, p->qmin, p->qmax);
                    }
                }
            }
        }
    }
}

void eq_average_pool2d_int16_thumb(const eq_pool2d_int16_params *p, const int16_t *input, int16_t *output)
{
    pool(p, input, output, 1);
}

void eq_max_pool2d_int16_thumb(const eq_pool2d_int16_params *p, const int16_t *input, int16_t *output)
{
    pool(p, input, output, 0);
}
