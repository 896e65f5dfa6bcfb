/* Depthwise convolution with windows of at most 3x3: one channel at a time, on planes of pairs of pixels. */
#ifndef EQ_DSP_DEPTHWISE_3X3_H
#define EQ_DSP_DEPTHWISE_3X3_H

#include "clamp.h"
#include "planes.h"
#include "window3.h"

/* Two neighbours in a row. */
typedef struct {
    int32_t left, right;
} eq_sums3;

/* Adds row r of the window: of two outputs that begin at the halves of a word, or at neighbouring words. */
EQ_INLINE void eq_add_row3(eq_sums3 *sums, const eq_window3 *w, int32_t r, const int32_t *at, int32_t stride)
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

EQ_INLINE void eq_store3(const eq_depthwise_conv2d_3x3_dsp_params *p, const eq_window3 *w, eq_sums3 sums, int both,
                         int8_t *output, eq_rounding rounding)
{
    output[0] = eq_finish3(p, w, sums.left, rounding);
    if (both) {
        output[p->channels] = eq_finish3(p, w, sums.right, rounding);
    }
}

/* Meaning of the assembly of the kernels, and what computes in other roundings: blocks of two columns, and with stride
 * 1 of two rows. */
EQ_INLINE void eq_rows3(const eq_depthwise_conv2d_3x3_dsp_params *p, const eq_window3 *w, const int32_t *plane,
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

/* X(suffix, rounding, packed, bits, compute) for every kernel of a stride, whose file has `fast`, `single` and `twice`.
 */
#define EQ_FOR_EACH_3X3(X)                                                                                             \
    X(packed, EQ_FAST, 1, 8, fast)                                                                                     \
    X(fast, EQ_FAST, 0, 8, fast)                                                                                       \
    X(single, EQ_SINGLE, 0, 8, single)                                                                                 \
    X(double, EQ_DOUBLE, 0, 8, twice)                                                                                  \
    X(int4_packed, EQ_FAST, 1, 4, fast)                                                                                \
    X(int4_fast, EQ_FAST, 0, 4, fast)                                                                                  \
    X(int4_single, EQ_SINGLE, 0, 4, single)                                                                            \
    X(int4_double, EQ_DOUBLE, 0, 4, twice)

/* One channel of a stripe: `rows` rows of outputs from a plane. */
typedef void eq_channel3(const eq_depthwise_conv2d_3x3_dsp_params *p, const eq_window3 *w, const int32_t *plane,
                         int8_t *output, int32_t rows);

EQ_INLINE void eq_depthwise_3x3(const eq_depthwise_conv2d_3x3_dsp_params *p, const int8_t *input, int8_t *output,
                                int32_t *planes, int32_t stride, eq_rounding rounding, int packed, int bits,
                                eq_channel3 *compute)
{
    const int32_t plane = 2 * p->words * p->pairs, stripe = (p->pairs - 1) * 2 / stride;
    const int32_t row = p->out_w * p->channels;
    eq_planes_clear(p, planes);
    for (int32_t n = 0; n < p->batch; n++, input += p->in_h * p->in_w * p->channels, output += p->out_h * row) {
        for (int32_t c = 0; c < p->channels; c += 4) {
            /* The last planes may have channels once more: what is read stays within the pixel. */
            const int32_t base = c + 4 <= p->channels || p->channels < 4 ? c : p->channels - 4;
            const int32_t end = base + 4 < p->channels ? base + 4 : p->channels;
            for (int32_t y = 0; y < p->out_h; y += stripe) {
                const int32_t rows = p->out_h - y < stripe ? p->out_h - y : stripe;
                eq_planes_gather(p, input + base, y * stride - p->pad_top, end - base, planes);
                for (int32_t channel = c; channel < end; channel++) {
                    eq_window3 w;
                    eq_window3_of(p, channel, rounding, packed, bits, &w);
                    compute(p, &w, planes + (channel - base) * plane, output + y * row + channel, rows);
                }
            }
        }
        if (rounding == EQ_FAST && !packed) {
            eq_clamp_bytes(output, p->out_h * row, p->qmin, p->qmax);
        }
    }
}

#endif
