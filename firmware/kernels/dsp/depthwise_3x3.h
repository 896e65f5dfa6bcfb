/* Depthwise convolution with windows of at most 3x3: one channel at a time, on planes of pairs of pixels. */
#ifndef EQ_DSP_DEPTHWISE_3X3_H
#define EQ_DSP_DEPTHWISE_3X3_H

#include "clamp.h"
#include "eq/depthwise_conv2d_dsp.h"
#include "eq/requant.h"
#include "planes.h"

/* What computes one channel. Of row r of the window, left[r] pairs its first weight with its middle one, right[r] the
 * middle one with the last. */
typedef struct {
    int32_t left[3], right[3];
    int32_t bias, mantissa, shift;
} eq_window3;

static inline void eq_window3_of(const eq_depthwise_conv2d_3x3_dsp_params *p, int32_t channel, eq_rounding rounding,
                                 eq_window3 *w)
{
    const int8_t *const weights = p->weights + 12 * channel;
    w->bias = p->bias[channel];
    w->mantissa = p->mantissa[channel];
    w->shift = rounding == EQ_FAST ? 0 : p->shift[channel];
    for (int32_t r = 0; r < 3; r++) {
        const int32_t row = eq_load4(weights + 4 * r), outer = eq_sxtb16(row), middle = eq_sxtb16_ror8(row);
        w->left[r] = eq_pkhbt(outer, middle);
        w->right[r] = eq_pkhbt(middle, outer >> 16);
    }
    if (rounding == EQ_FAST && p->weight_shift) {
        const int32_t factor = 1 << p->weight_shift[channel];
        for (int32_t r = 0; r < 3; r++) {
            const int32_t middle = eq_smlabb(w->right[r], factor, 0);
            w->left[r] = eq_pkhbt(eq_smlabb(w->left[r], factor, 0), middle);
            w->right[r] = eq_pkhbt(middle, eq_smlatb(w->right[r], factor, 0));
        }
    }
}

static inline int8_t eq_finish3(const eq_depthwise_conv2d_3x3_dsp_params *p, const eq_window3 *w, int32_t acc,
                                eq_rounding rounding)
{
    if (rounding == EQ_FAST) {
        return (int8_t)eq_ssat8(eq_smmlar(acc, w->mantissa, p->zero_point));
    }
    return eq_requantize(acc, w->mantissa, w->shift, p->zero_point, p->qmin, p->qmax, rounding);
}

/* Two neighbours in a row. */
typedef struct {
    int32_t left, right;
} eq_sums3;

/* Adds row r of the window: of two outputs that begin at the halves of a word, or at neighbouring words. */
static inline void eq_add_row3(eq_sums3 *sums, const eq_window3 *w, int32_t r, const int32_t *at, int32_t stride)
{
    sums->left = eq_smlad(at[0], w->left[r], sums->left);
    sums->left = eq_smlabt(at[2], w->right[r], sums->left);
    if (stride == 1) {
        sums->right = eq_smlatb(at[0], w->left[r], sums->right);
        sums->right = eq_smlad(at[2], w->right[r], sums->right);
    } else {
        sums->right = eq_smlad(at[2], w->left[r], sums->right);
        sums->right = eq_smlabt(at[4], w->right[r], sums->right);
    }
}

static inline void eq_store3(const eq_depthwise_conv2d_3x3_dsp_params *p, const eq_window3 *w, eq_sums3 sums, int both,
                             int8_t *output, eq_rounding rounding)
{
    output[0] = eq_finish3(p, w, sums.left, rounding);
    if (both) {
        output[p->channels] = eq_finish3(p, w, sums.right, rounding);
    }
}

/* Meaning of the assembly of the kernels, and what computes in other roundings: blocks of two columns, and with stride
 * 1 of two rows. */
static inline void eq_rows3(const eq_depthwise_conv2d_3x3_dsp_params *p, const eq_window3 *w, const int32_t *plane,
                            int8_t *output, int32_t rows, int32_t stride, eq_rounding rounding)
{
    const int32_t pitch = 2 * p->words, line = p->out_w * p->channels, step = stride == 1 ? 2 : 4;
    for (int32_t y = 0; y < rows; y += 3 - stride, plane += pitch, output += (3 - stride) * line) {
        const int32_t *at = plane;
        int8_t *out = output;
        for (int32_t left = p->out_w; left > 0; left -= 2, at += step, out += 2 * p->channels) {
            eq_sums3 above = {w->bias, w->bias}, below = above;
            eq_add_row3(&above, w, 0, at, stride);
            eq_add_row3(&above, w, 1, at + 1, stride);
            eq_add_row3(&above, w, 2, at + pitch, stride);
            eq_store3(p, w, above, left > 1, out, rounding);
            if (stride == 1 && y + 1 < rows) {
                eq_add_row3(&below, w, 0, at + 1, stride);
                eq_add_row3(&below, w, 1, at + pitch, stride);
                eq_add_row3(&below, w, 2, at + pitch + 1, stride);
                eq_store3(p, w, below, left > 1, out + line, rounding);
            }
        }
    }
}

/* One channel of a stripe: `rows` rows of outputs from a plane. */
typedef void eq_channel3(const eq_depthwise_conv2d_3x3_dsp_params *p, const eq_window3 *w, const int32_t *plane,
                         int8_t *output, int32_t rows);

/* Four planes of a stripe: the pairs of rows from `pair` on, of which those before `known` are there already. */
static inline void eq_gather_stripe(const eq_depthwise_conv2d_3x3_dsp_params *p, const int8_t *image, int32_t pair,
                                    int32_t known, int32_t channels, int32_t *planes)
{
    const int32_t pitch = 2 * p->words, plane = pitch * p->pairs;
    const int32_t pad_word = eq_splat8(p->pad_value), row_bytes = p->in_w * p->channels;
    const int32_t room = 2 * p->words - p->pad_left;
    const int32_t pixels = p->in_w < room ? p->in_w : room;
    const eq_frame frame = {pixels, p->pad_left, p->words, pad_word, plane};
    for (int32_t i = known; i < p->pairs; i++) {
        const int32_t y = 2 * (pair + i) - p->pad_top;
        const int first = y >= 0 && y < p->in_h, second = y + 1 >= 0 && y + 1 < p->in_h;
        int32_t *const to = planes + i * pitch;
        if (channels < 4) {
            for (int32_t k = 0; k < 2; k++) {
                if (k ? second : first) {
                    eq_gather_narrow(&frame, image + (y + k) * row_bytes, channels, to + k);
                }
            }
        } else if (first || second) {
            const int8_t *const row = image + (first ? y : y + 1) * row_bytes;
            eq_gather_rows(&frame, row, first && second ? row + row_bytes : row, p->channels, to);
        }
        if (!first) {
            eq_pad_row(&frame, to);
        }
        if (!second) {
            eq_pad_row(&frame, to + 1);
        }
    }
}

static inline void eq_depthwise_3x3(const eq_depthwise_conv2d_3x3_dsp_params *p, const int8_t *input, int8_t *output,
                                    int32_t *planes, int32_t stride, eq_rounding rounding, eq_channel3 *compute)
{
    const int32_t pitch = 2 * p->words, plane = pitch * p->pairs, pad = eq_splat16(p->pad_value);
    const int32_t stripe = (p->pairs - 1) * 2 / stride;
    for (int32_t i = 0; i < 4 * plane; i++) {
        planes[i] = pad;
    }
    for (int32_t n = 0; n < p->batch; n++) {
        const int8_t *const image = input + n * p->in_h * p->in_w * p->channels;
        int8_t *const result = output + n * p->out_h * p->out_w * p->channels;
        for (int32_t c = 0; c < p->channels; c += 4) {
            /* The last planes may have channels once more: what is read stays within the pixel. */
            const int32_t base = c + 4 <= p->channels || p->channels < 4 ? c : p->channels - 4;
            const int32_t end = base + 4 < p->channels ? base + 4 : p->channels;
            for (int32_t y = 0; y < p->out_h; y += stripe) {
                for (int32_t k = 0; y > 0 && k < 4; k++) {
                    memcpy(planes + k * plane, planes + (k + 1) * plane - pitch, (size_t)pitch * sizeof *planes);
                }
                eq_gather_stripe(p, image + base, y * stride / 2, y > 0, end - base, planes);
                for (int32_t channel = c; channel < end; channel++) {
                    eq_window3 w;
                    eq_window3_of(p, channel, rounding, &w);
                    const int32_t rows = p->out_h - y < stripe ? p->out_h - y : stripe;
                    compute(p, &w, planes + (channel - base) * plane, result + y * p->out_w * p->channels + channel,
                            rows);
                }
            }
        }
    }
    if (rounding == EQ_FAST) {
        eq_clamp_bytes(output, p->batch * p->out_h * p->out_w * p->channels, p->qmin, p->qmax);
    }
}

#endif
