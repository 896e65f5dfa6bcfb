/* Any window: the taps of a block of channels are collected one after the other. */
#include "depthwise.h"
#include "eq/depthwise_conv2d_mve.h"

/* Sixteen channels of an input pixel, of which `count` follow each other from x on; `source` says which is whose. */
EQ_INLINE eq_s8x16 pick(const int8_t *x, int32_t count, const uint8_t *source)
{
    int8_t channels[EQ_BLOCK];
    eq_store_s8(channels, eq_load_s8_n(x, count));
    return eq_gather_s8(channels, eq_load_s8((const int8_t *)source));
}

static void collect(const eq_depthwise_conv2d_mve_params *p, const int8_t *image, int32_t y, int32_t x, int32_t block,
                    int8_t *to)
{
    const int32_t top = y * p->stride_h - p->pad_top, left = x * p->stride_w - p->pad_left;
    const int32_t bottom = top + (p->kernel_h - 1) * p->dilation_h, right = left + (p->kernel_w - 1) * p->dilation_w;
    const uint8_t *const source = p->source + block * EQ_BLOCK;
    const int32_t channel = block * EQ_BLOCK / (p->out_c / p->in_c);
    const int32_t count = p->in_c - channel;
    for (int32_t iy = top; iy <= bottom; iy += p->dilation_h) {
        for (int32_t ix = left; ix <= right; ix += p->dilation_w, to += EQ_BLOCK) {
            if (iy >= 0 && iy < p->in_h && ix >= 0 && ix < p->in_w) {
                const int8_t *const pixel = image + (iy * p->in_w + ix) * p->in_c + channel;
                eq_store_s8(to, p->out_c == p->in_c ? eq_load_s8_n(pixel, count) : pick(pixel, count, source));
            } else {
                eq_store_s8(to, eq_dup_s8(p->pad_value));
            }
        }
    }
}

EQ_INLINE void depthwise(const eq_depthwise_conv2d_mve_params *p, const int8_t *input, int8_t *output, int8_t *taps,
                         eq_rounding rounding)
{
    const eq_output q = {p->zero_point, p->qmin, p->qmax};
    const int32_t pairs = (p->kernel_h * p->kernel_w + 1) / 2;
    eq_store_s8(taps + (2 * pairs - 1) * EQ_BLOCK, eq_dup_s8(0));
    for (int32_t n = 0; n < p->batch; n++, input += p->in_h * p->in_w * p->in_c) {
        for (int32_t y = 0; y < p->out_h; y++) {
            for (int32_t x = 0; x < p->out_w; x++, output += p->out_c) {
                const int8_t *w = p->weights;
                for (int32_t c = 0; c < p->out_c; c += EQ_BLOCK) {
                    collect(p, input, y, x, c / EQ_BLOCK, taps);
                    eq_s32x16 acc = eq_load_s32x16(p->bias + c);
                    const int8_t *at = taps;
                    for (int32_t i = 0; i < pairs; i++, at += 2 * EQ_BLOCK, w += 2 * EQ_BLOCK) {
                        acc = eq_add_wide(acc, eq_add_tap(eq_tap(at, w), at + EQ_BLOCK, w + EQ_BLOCK));
                    }
                    const int32_t *const shift = eq_shift_at(p->shift, c, rounding);
                    eq_store_s8_n(output + c, eq_requantize_16(acc, p->multiplier + c, shift, q, rounding),
                                  p->out_c - c);
                }
            }
        }
    }
}

#define DEFINE(suffix, rounding)                                                                                       \
    void eq_depthwise_conv2d_mve_##suffix(const eq_depthwise_conv2d_mve_params *p, const int8_t *input,                \
                                          int8_t *output, void *scratch)                                               \
    {                                                                                                                  \
        depthwise(p, input, output, (int8_t *)scratch, rounding);                                                      \
    }
EQ_FOR_EACH_ROUNDING(DEFINE)
