/* 3x3 convolution with stride 1 in one group of NHWC int8 images, by the algorithm F(2x2, 3x3) of Winograd in integers.
 */
#ifndef EQ_WINOGRAD_DSP_H
#define EQ_WINOGRAD_DSP_H

#include <stdint.h>

/* A tile of 2x2 outputs is computed from the 4x4 inputs d around it and a channel's window g as A'[(G g G')(B'd B)]A.
 * `weights` holds G g G' for G = (2 0 0), (1 1 1), (1 -1 1), (0 0 -2), so that sums come out four times too large.
 * Output channels are computed in fours; if they leave a rest, the last four begin at out_c - 4. For every four it
 * holds four times their biases with the input's zero-point folded in, then for each of the 16 positions, whose rows
 * and columns come in the order 1, 2, 0, 3, and every two input channels a word per output channel. Of every four input
 * channels, a word's halves have 0 and 2, then 1 and 3. */
typedef struct {
    const int32_t *weights;
    int32_t batch, in_h, in_w, in_c, out_h, out_w, out_c; /* in_c is a multiple of 4, out_c at least 4 */
    int32_t pad_top, pad_left;
    int32_t pad_value; /* what the input reads as outside its borders: its zero-point */
    int32_t zero_point;
    const int32_t *mantissa; /* for `direct` twice that of eq_multiply */
    const int8_t *shift;     /* NULL for `direct` */
    int32_t qmin, qmax;
} eq_winograd_dsp_params;

/* direct: fast rounding with factors below 1/2, clamped to int8 only.
 * scratch: 64 * in_c bytes; and if not all windows of two tiles lie within the image or not all tiles within the
 * output, 24 * in_c or 8 * out_c, whichever is more. */
void eq_winograd_dsp_direct(const eq_winograd_dsp_params *p, const int8_t *input, int8_t *output, void *scratch);
void eq_winograd_dsp_fast(const eq_winograd_dsp_params *p, const int8_t *input, int8_t *output, void *scratch);
void eq_winograd_dsp_single(const eq_winograd_dsp_params *p, const int8_t *input, int8_t *output, void *scratch);
void eq_winograd_dsp_double(const eq_winograd_dsp_params *p, const int8_t *input, int8_t *output, void *scratch);

#endif
