#include "clamp.h"
#include "eq/depthwise_conv2d_dsp.h"
#include "requant.h"

typedef eq_depthwise_conv2d_any_dsp_params params;

/* Two neighbours in a line, from any of them on. */
static inline int32_t load_pair(const int16_t *from)
{
    int32_t word;
    memcpy(&word, from, sizeof word);
    return word;
}

/* One channel of an image: the lines that the outputs from line `first` on need. */
static void gather(const params *p, const int8_t *image, int32_t first, int32_t lines, int16_t *plane)
{
    const int32_t room = p->width - p->pad_places;
    const int32_t inside = p->in_places < room ? p->in_places : room;
    const int16_t pad = (int16_t)p->pad_value;
    for (int32_t k = 0; k < lines; k++, plane += p->width) {
        const int32_t line = first * p->line_stride - p->pad_lines + k;
        int32_t at = 0;
        if (line >= 0 && line < p->in_lines) {
            const int8_t *from = image + line * p->in_line_step;
            while (at < p->pad_places && at < p->width) {
                plane[at++] = pad;
            }
            for (int32_t i = 0; i < inside; i++, from += p->in_place_step) {
                plane[at++] = *from;
            }
        }
        while (at < p->width) {
            plane[at++] = pad;
        }
    }
}

/* The weights of one filter as pairs, multiplied by 2^shift. */
static void widen(const params *p, int32_t filter, int32_t shift, int32_t *weights)
{
    const int32_t count = p->kernel_lines * p->kernel_pairs, factor = 1 << shift;
    const int8_t *from = p->weights + 2 * count * filter;
    for (int32_t i = 0; i < count; i++, from += 2) {
        weights[i] = eq_pkhbt(from[0] * factor, from[1] * factor);
    }
}

static inline int8_t finish(const params *p, int32_t acc, int32_t filter, eq_rounding rounding)
{
    if (rounding == EQ_FAST) {
        return (int8_t)eq_ssat8(eq_smmlar(acc, p->mantissa[filter], p->zero_point));
    }
    return eq_dsp_requantize(acc, p->mantissa[filter], p->shift[filter], p->zero_point, p->qmin, p->qmax, rounding);
}

/* One line of outputs, whose first window starts at `window`. */
static inline void compute_line(const params *p, const int32_t *weights, const int16_t *window, int32_t filter,
                                int8_t *output, eq_rounding rounding)
{
    const int32_t stride = p->place_stride, pitch = p->line_dilation * p->width, step = p->out_place_step;
    const int32_t bias = p->bias[filter];
    int32_t left = p->out_places;
    for (; left >= 4; left -= 4, window += 4 * stride, output += 4 * step) {
        const int32_t *w = weights;
        const int16_t *line = window;
        int32_t a = bias, b = bias, c = bias, d = bias;
        for (int32_t ky = 0; ky < p->kernel_lines; ky++, line += pitch) {
            const int16_t *x = line;
            for (const int16_t *const end = x + 2 * p->kernel_pairs; x != end; x += 2, w++) {
                a = eq_smlad(load_pair(x), *w, a);
                b = eq_smlad(load_pair(x + stride), *w, b);
                c = eq_smlad(load_pair(x + 2 * stride), *w, c);
                d = eq_smlad(load_pair(x + 3 * stride), *w, d);
            }
        }
        output[0] = finish(p, a, filter, rounding);
        output[step] = finish(p, b, filter, rounding);
        output[2 * step] = finish(p, c, filter, rounding);
        output[3 * step] = finish(p, d, filter, rounding);
    }
    for (; left > 0; left--, window += stride, output += step) {
        const int32_t *w = weights;
        const int16_t *line = window;
        int32_t a = bias;
        for (int32_t ky = 0; ky < p->kernel_lines; ky++, line += pitch) {
            const int16_t *x = line;
            for (const int16_t *const end = x + 2 * p->kernel_pairs; x != end; x += 2, w++) {
                a = eq_smlad(load_pair(x), *w, a);
            }
        }
        *output = finish(p, a, filter, rounding);
    }
}

static inline void depthwise(const params *p, const int8_t *input, int8_t *output, int32_t *scratch,
                             eq_rounding rounding)
{
    int16_t *const plane = (int16_t *)(scratch + p->kernel_lines * p->kernel_pairs);
    for (int32_t n = 0; n < p->batch; n++) {
        const int8_t *const image = input + n * p->in_bytes;
        int8_t *const result = output + n * p->out_bytes;
        for (int32_t c = 0; c < p->channels; c++) {
            for (int32_t first = 0; first < p->out_lines; first += p->stripe) {
                const int32_t left = p->out_lines - first, lines = left < p->stripe ? left : p->stripe;
                const int32_t span = (lines - 1) * p->line_stride + (p->kernel_lines - 1) * p->line_dilation + 1;
                gather(p, image + c, first, span, plane);
                for (int32_t m = 0; m < p->filters; m++) {
                    const int32_t filter = c * p->filters + m;
                    const int32_t shift = rounding == EQ_FAST && p->weight_shift ? p->weight_shift[filter] : 0;
                    widen(p, filter, shift, scratch);
                    for (int32_t y = 0; y < lines; y++) {
                        compute_line(p, scratch, plane + y * p->line_stride * p->width, filter,
                                     result + (first + y) * p->out_line_step + filter, rounding);
                    }
                }
            }
        }
    }
    if (rounding == EQ_FAST) {
        eq_clamp_bytes(output, p->batch * p->out_bytes, p->qmin, p->qmax);
    }
}

#define DEFINE(suffix, rounding)                                                                                       \
    void eq_depthwise_conv2d_any_dsp_##suffix(const params *p, const int8_t *input, int8_t *output, void *scratch)     \
    {                                                                                                                  \
        depthwise(p, input, output, scratch, rounding);                                                                \
    }
EQ_FOR_EACH_ROUNDING(DEFINE)
