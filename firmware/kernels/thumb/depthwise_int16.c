#include "eq/thumb_int16.h"
#include "eq/thumb_span.h"

void eq_depthwise_conv2d_int16_thumb(const eq_conv2d_int16_thumb_params *p, const int16_t *input, int16_t *output)
{
    const int32_t channels = p->in_c, across = p->dilation_w * channels, down = p->dilation_h * p->in_w * channels;
    for (int32_t n = 0; n < p->batch; n++, input += p->in_h * p->in_w * channels) {
        for (int32_t y = 0; y < p->out_h; y++) {
            const int32_t top = y * p->stride_h - p->pad_top;
            const eq_span rows = eq_span_inside(top, p->dilation_h, p->kernel_h, p->in_h);
            for (int32_t x = 0; x < p->out_w; x++) {
                const int32_t left = x * p->stride_w - p->pad_left;
                const eq_span columns = eq_span_inside(left, p->dilation_w, p->kernel_w, p->in_w);
                const int32_t tap =
                    (rows.first - top) / p->dilation_h * p->kernel_w + (columns.first - left) / p->dilation_w;
                const int16_t *const from = input + (rows.first * p->in_w + columns.first) * channels;
                const int8_t *const weights = p->weights + tap * channels;
                for (int32_t c = 0; c < channels; c++) {
                    const int16_t *line = from + c;
                    const int8_t *w = weights + c;
                    int32_t acc = p->outputs.bias[c];
                    for (int32_t ky = 0; ky < rows.count; ky++, line += down, w += p->kernel_w * channels) {
                        for (int32_t kx = 0; kx < columns.count; kx++) {
                            acc = (int32_t)((uint32_t)acc + (uint32_t)(line[kx * across] * w[kx * channels]));
                        }
                    }
                    *output++ = eq_thumb_to_int16(&p->outputs, c, acc);
                }
            }
        }
    }
}
