/* Windows of one column or one row, as over time: four channels at once, two taps with each multiplication. Channels
 * that are neighbours lie in one word, so nothing is gathered first. */
#include "clamp.h"
#include "eq/depthwise_conv2d_dsp.h"
#include "requant.h"

typedef eq_depthwise_conv2d_column_dsp_params params;

#define CHANNELS 4

/* The sums of four channels. */
typedef struct {
    int32_t a, b, c, d;
} sums;

/* Two taps of four channels. */
EQ_INLINE sums add(sums s, int32_t first, int32_t second, const int32_t *weights)
{
    const int32_t even = eq_sxtb16(first), odd = eq_sxtb16_ror8(first);
    const int32_t even2 = eq_sxtb16(second), odd2 = eq_sxtb16_ror8(second);
    s.a = eq_smlad(eq_pkhbt(even, even2), weights[0], s.a);
    s.b = eq_smlad(eq_pkhbt(odd, odd2), weights[1], s.b);
    s.c = eq_smlad(eq_pkhtb(even, even2), weights[2], s.c);
    s.d = eq_smlad(eq_pkhtb(odd, odd2), weights[3], s.d);
    return s;
}

EQ_INLINE int8_t scale(const params *p, int32_t acc, int32_t factor, int32_t channel, eq_rounding rounding)
{
    if (rounding == EQ_FAST) {
        return (int8_t)eq_ssat8(eq_smmlar(acc, factor, p->zero_point));
    }
    return eq_dsp_requantize(acc, factor, p->shift[channel], p->zero_point, p->qmin, p->qmax, rounding);
}

/* Four channels of one pixel. */
EQ_INLINE void pixel(const params *p, const int8_t *x, const int32_t *w, int32_t channel, int8_t *y,
                     eq_rounding rounding)
{
    const int32_t step = p->tap_step;
    const int32_t *const factors = w + CHANNELS;
    sums s = {w[0], w[1], w[2], w[3]};
    w += 2 * CHANNELS;
    for (int32_t left = p->taps >> 1; left > 0; left--, x += 2 * step, w += CHANNELS) {
        s = add(s, eq_load4(x), eq_load4(x + step), w);
    }
    if (p->taps & 1) {
        s = add(s, eq_load4(x), 0, w);
    }
    y[0] = scale(p, s.a, factors[0], channel, rounding);
    y[1] = scale(p, s.b, factors[1], channel + 1, rounding);
    y[2] = scale(p, s.c, factors[2], channel + 2, rounding);
    y[3] = scale(p, s.d, factors[3], channel + 3, rounding);
}

EQ_INLINE void depthwise(const params *p, const int8_t *input, int8_t *output, eq_rounding rounding)
{
    const int32_t words = 2 * CHANNELS + CHANNELS * ((p->taps + 1) >> 1);
    const int32_t *w = p->weights;
    for (int32_t first = 0; first < p->channels; first += CHANNELS, w += words) {
        const int32_t channel = first + CHANNELS <= p->channels ? first : p->channels - CHANNELS;
        int8_t *y = output + channel;
        const int8_t *image = input + channel;
        for (int32_t n = p->images; n > 0; n--, image += p->image_step) {
            const int8_t *row = image;
            for (int32_t r = p->rows; r > 0; r--, row += p->row_step) {
                const int8_t *x = row;
                for (int32_t c = p->columns; c > 0; c--, x += p->column_step, y += p->channels) {
                    pixel(p, x, w, channel, y, rounding);
                }
            }
        }
    }
    if (rounding == EQ_FAST) {
        eq_clamp_bytes(output, p->images * p->rows * p->columns * p->channels, p->qmin, p->qmax);
    }
}

#define DEFINE(suffix, rounding)                                                                                       \
    void eq_depthwise_conv2d_column_dsp_##suffix(const params *p, const int8_t *input, int8_t *output)                 \
    {                                                                                                                  \
        depthwise(p, input, output, rounding);                                                                         \
    }
EQ_FOR_EACH_ROUNDING(DEFINE)
