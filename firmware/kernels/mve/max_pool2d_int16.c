#include "eq/mve.h"
#include "eq/pool2d_int16.h"
#include "window.h"

/* Eight channels at once. */
static void pixel(const eq_pool2d_int16_params *p, const int16_t *image, eq_window w, int16_t *out)
{
    const int32_t channels = p->in_c, line = p->in_w * channels;
    const int32_t down = p->dilation_h * line, right = p->dilation_w * channels;
    const eq_s16x8 low = eq_dup_s16(p->qmin), high = eq_dup_s16(p->qmax);
    for (int32_t c = 0; c < channels; c += 8) {
        eq_s16x8 found = low;
        const int16_t *row = image + w.top * line + w.left * channels + c;
        for (int32_t y = w.top; y < w.bottom; y += p->dilation_h, row += down) {
            const int16_t *from = row;
            for (int32_t x = w.left; x < w.right; x += p->dilation_w, from += right) {
                found = eq_max_s16(found, eq_load_s16_n(from, channels - c));
            }
        }
        eq_store_s16_n(out + c, eq_min_s16(found, high), channels - c);
    }
}

void eq_max_pool2d_int16_mve(const eq_pool2d_int16_params *p, const int16_t *input, int16_t *output)
{
    for (int32_t n = 0; n < p->batch; n++, input += p->in_h * p->in_w * p->in_c) {
        for (int32_t y = 0; y < p->out_h; y++) {
            for (int32_t x = 0; x < p->out_w; x++, output += p->in_c) {
                const eq_window w = EQ_WINDOW(p, y, x);
                pixel(p, input, w, output);
            }
        }
    }
}
