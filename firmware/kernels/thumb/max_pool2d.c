#include "eq/elementwise_thumb.h"
#include "eq/thumb_span.h"

static inline int32_t maximum_of(const int8_t *at, int32_t rows, int32_t columns, int32_t row, int32_t column,
                                 int32_t found)
{
    for (; rows > 0; rows--, at += row) {
        const int8_t *x = at;
        for (int32_t i = columns; i > 0; i--, x += column) {
            found = *x > found ? *x : found;
        }
    }
    return found;
}

void eq_max_pool2d_thumb(const eq_max_pool2d_params *p, const int8_t *input, int8_t *output)
{
    const int32_t row = p->dilation_h * p->in_w * p->in_c, column = p->dilation_w * p->in_c;
    for (int32_t n = 0; n < p->batch; n++, input += p->in_h * p->in_w * p->in_c) {
        for (int32_t oy = 0; oy < p->out_h; oy++) {
            const eq_span y = eq_span_inside(oy * p->stride_h - p->pad_top, p->dilation_h, p->kernel_h, p->in_h);
            for (int32_t ox = 0; ox < p->out_w; ox++) {
                const eq_span x = eq_span_inside(ox * p->stride_w - p->pad_left, p->dilation_w, p->kernel_w, p->in_w);
                const int8_t *at = input + (y.first * p->in_w + x.first) * p->in_c;
                for (const int8_t *const end = at + p->in_c; at != end; at++) {
                    const int32_t found = maximum_of(at, y.count, x.count, row, column, p->qmin);
                    *output++ = (int8_t)(found < p->qmax ? found : p->qmax);
                }
            }
        }
    }
}
