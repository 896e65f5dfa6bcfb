/* One weight per channel: a channel of all pixels after another, with its factors in registers. */
#include "clamp.h"
#include "eq/depthwise_conv2d_dsp.h"
#include "requant.h"

typedef eq_depthwise_conv2d_1x1_dsp_params params;

/* What a channel is computed with; copies, which the stores of outputs cannot change. */
typedef struct {
    int32_t weight, bias, mantissa, shift, zero_point, qmin, qmax;
} channel;

static inline int8_t scale(const channel *f, int32_t x, eq_rounding rounding)
{
    const int32_t acc = f->bias + x * f->weight;
    if (rounding == EQ_FAST) {
        return (int8_t)eq_ssat8(eq_smmlar(acc, f->mantissa, f->zero_point));
    }
    return eq_dsp_requantize(acc, f->mantissa, f->shift, f->zero_point, f->qmin, f->qmax, rounding);
}

static inline void depthwise(const params *p, const int8_t *input, int8_t *output, eq_rounding rounding)
{
    const int32_t step = p->channels;
    for (int32_t c = 0; c < step; c++) {
        const channel f = {p->weights[c], p->bias[c], p->mantissa[c], rounding == EQ_FAST ? 0 : p->shift[c],
                           p->zero_point, p->qmin,    p->qmax};
        const int8_t *x = input + c;
        int8_t *y = output + c;
        int32_t left = p->pixels;
        for (; left >= 4; left -= 4, x += 4 * step, y += 4 * step) {
            const int32_t a = x[0], b = x[step], d = x[2 * step], e = x[3 * step];
            y[0] = scale(&f, a, rounding);
            y[step] = scale(&f, b, rounding);
            y[2 * step] = scale(&f, d, rounding);
            y[3 * step] = scale(&f, e, rounding);
        }
        for (; left > 0; left--, x += step, y += step) {
            *y = scale(&f, *x, rounding);
        }
    }
    if (rounding == EQ_FAST) {
        eq_clamp_bytes(output, p->pixels * p->channels, p->qmin, p->qmax);
    }
}

#define DEFINE(suffix, rounding)                                                                                       \
    void eq_depthwise_conv2d_1x1_dsp_##suffix(const params *p, const int8_t *input, int8_t *output)                    \
    {                                                                                                                  \
        depthwise(p, input, output, rounding);                                                                         \
    }
EQ_FOR_EACH_ROUNDING(DEFINE)
