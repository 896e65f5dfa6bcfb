#include "eq/conv2d_thumb.h"
#include "eq/thumb.h"
#include "eq/thumb_inline.h"
#include "eq/thumb_tile.h"

#define CHANNELS 8 /* at a time */

static inline void store(const eq_conv2d_thumb_params *p, int32_t channel, const int32_t *sums, int32_t count,
                         int8_t *output, eq_rounding rounding)
{
    for (int32_t i = 0; i < count; i++, output += p->out_c) {
        *output =
            eq_requantize(sums[i], p->mantissa[channel], p->shift[channel], p->zero_point, p->qmin, p->qmax, rounding);
    }
}

EQ_FLATTEN void conv2d(const eq_conv2d_thumb_params *p, const int8_t *input, int8_t *output, void *scratch,
                       eq_rounding rounding)
{
    const eq_tile_window window = EQ_TILE_WINDOW(p);
    int32_t *const tile = scratch;
    int8_t *const pad = (int8_t *)(tile + 4 * p->kernel_h * p->kernel_w * p->in_c);
    int32_t sums[8 * CHANNELS];
    const int direct = eq_thumb_is_direct(rounding, p->shift, p->out_c);
    eq_thumb_outputs outputs = {p->out_c, EQ_TILE, eq_thumb_rounding(p->zero_point), p->qmin, p->qmax, 4 * EQ_TILE};
    memset(pad, p->pad_value, (uint32_t)p->in_c);
    for (int32_t n = 0; n < p->batch; n++, input += p->in_h * p->in_w * p->in_c) {
        eq_tile_pixels at = {{0}, {0}, 0, 0};
        int32_t count = EQ_TILE;
        for (int32_t left = p->out_h * p->out_w; left > 0; left -= count, output += count * p->out_c) {
            count = left < EQ_TILE ? left : EQ_TILE;
            const int8_t *weights = p->weights;
            outputs.count = count;
            eq_tile_next(&window, &at, count);
            eq_tile_gather(&window, input, &at, pad, tile, EQ_THUMB_LANE);
            for (int32_t c = 0; c < p->out_c; c += CHANNELS) {
                const int32_t some = p->out_c - c < CHANNELS ? p->out_c - c : CHANNELS;
                for (int32_t i = 0; i < some; i++) {
                    eq_thumb_start(sums + 8 * i, p->bias[c + i], p->blocks[c + i]);
                }
                weights = eq_thumb_gemm(tile, weights, sums, some);
                if (direct) {
                    eq_thumb_store(&outputs, sums, p->mantissa + c, output + c, some);
                    continue;
                }
                for (int32_t i = 0; i < some; i++) {
                    store(p, c + i, sums + 8 * i, count, output + c + i, rounding);
                }
            }
        }
    }
}

#define DEFINE(suffix, rounding)                                                                                       \
    void eq_conv2d_thumb_##suffix(const eq_conv2d_thumb_params *p, const int8_t *input, int8_t *output, void *scratch) \
    {                                                                                                                  \
        conv2d(p, input, output, scratch, rounding);                                                                   \
    }
EQ_FOR_EACH_ROUNDING(DEFINE)
