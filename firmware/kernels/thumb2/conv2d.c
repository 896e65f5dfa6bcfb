#include "eq/conv2d_thumb2.h"
#include "eq/thumb2.h"
#include "eq/thumb_inline.h"
#include "eq/thumb_tile.h"

#define CHANNELS 8 /* at a time */

/* Stores what a channel has for a whole tile, where it is direct. */
static inline void store_direct(const eq_conv2d_params *p, int32_t channel, const int64_t *sums, int8_t *output)
{
    const int32_t twice_bias = p->bias[channel] * 2, mantissa = p->mantissa[channel];
    const int32_t zero_point = p->zero_point, step = p->out_c;
    int8_t *upper = output + 4 * step;
    for (int32_t q = 0; q < 4; q++, output += step, upper += step) {
        const int32_t a = eq_thumb2_lower(sums[q], EQ_THUMB2_LANE, twice_bias);
        const int32_t b = eq_thumb2_upper(sums[q], EQ_THUMB2_LANE, twice_bias);
        *output = (int8_t)eq_thumb2_ssat8(eq_thumb2_scale(a, mantissa, zero_point));
        *upper = (int8_t)eq_thumb2_ssat8(eq_thumb2_scale(b, mantissa, zero_point));
    }
}

/* Stores what a channel has for the first `count` pixels of a tile. */
static inline void store(const eq_thumb2_finish *f, const int64_t *sums, int32_t count, int8_t *output, int32_t step,
                         eq_rounding rounding)
{
    for (int32_t i = 0; i < count; i++, output += step) {
        const int32_t acc = i < 4 ? eq_thumb2_lower(sums[i], EQ_THUMB2_LANE, f->twice_bias)
                                  : eq_thumb2_upper(sums[i - 4], EQ_THUMB2_LANE, f->twice_bias);
        *output = eq_thumb2_rounded(f, acc, rounding);
    }
}

EQ_FLATTEN void conv2d(const eq_conv2d_params *p, const int8_t *input, int8_t *output, void *scratch,
                       eq_rounding rounding)
{
    const eq_tile_window window = EQ_TILE_WINDOW(p);
    const int32_t k = p->kernel_h * p->kernel_w * p->in_c;
    int32_t *const tile = scratch;
    int8_t *const pad = (int8_t *)(tile + 4 * k);
    int64_t sums[4 * CHANNELS];
    const int direct = eq_thumb2_is_direct(rounding, p->shift, p->out_c, p->qmin, p->qmax);
    memset(pad, p->pad_value, (uint32_t)p->in_c);
    for (int32_t n = 0; n < p->batch; n++, input += p->in_h * p->in_w * p->in_c) {
        eq_tile_pixels at = {{0}, {0}, 0, 0};
        int32_t count = EQ_TILE;
        for (int32_t left = p->out_h * p->out_w; left > 0; left -= count, output += count * p->out_c) {
            count = left < EQ_TILE ? left : EQ_TILE;
            eq_tile_next(&window, &at, count);
            eq_tile_gather(&window, input, &at, pad, tile, EQ_THUMB2_LANE);
            for (int32_t c = 0; c < p->out_c; c += CHANNELS) {
                const int32_t some = p->out_c - c < CHANNELS ? p->out_c - c : CHANNELS;
                eq_thumb2_gemm(tile, p->weights + c * k, sums, k, some);
                for (int32_t i = 0; i < some; i++) {
                    if (direct && count == EQ_TILE) {
                        store_direct(p, c + i, sums + 4 * i, output + c + i);
                    } else {
                        const eq_thumb2_finish finish = EQ_THUMB2_FINISH(p, c + i, rounding);
                        store(&finish, sums + 4 * i, count, output + c + i, p->out_c, rounding);
                    }
                }
            }
        }
    }
}

#define DEFINE(suffix, rounding)                                                                                       \
    void eq_conv2d_thumb2_##suffix(const eq_conv2d_params *p, const int8_t *input, int8_t *output, void *scratch)      \
    {                                                                                                                  \
        conv2d(p, input, output, scratch, rounding);                                                                   \
    }
EQ_FOR_EACH_ROUNDING(DEFINE)
