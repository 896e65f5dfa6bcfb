/* Depthwise 3x3 convolution of NHWC int16 images with weights of 8 bits, sums of 32 bits, an even number of channels.
 */
#ifndef EQ_DEPTHWISE_CONV2D_INT16_DSP_H
#define EQ_DEPTHWISE_CONV2D_INT16_DSP_H

#include <stdint.h>

/* For every pair of channels `weights` holds two biases, two mantissas, in the lower two bytes of a word two shifts as
 * eq_conv2d_int16_dsp_params has them, and five words of weights: of taps 0 and 1, 2 and 3, ..., column after column,
 * with a tenth one of 0, the first channel's in bytes 0 and 1, the second's in bytes 2 and 3. */
typedef struct {
    int32_t batch, in_h, in_w, in_c, out_h, out_w;
    int32_t stride_h, stride_w, pad_top, pad_left;
    const int32_t *weights;
    int32_t qmin, qmax;
    int32_t stripe;  /* rows of the output that are computed at once, an even number */
    int32_t columns; /* of a row that its windows meet, padding included */
} eq_depthwise_conv2d_int16_dsp_params;

/* scratch: ((stripe - 1) * stride_h + 3) * columns words, the columns of one pair of channels with their padding. */
void eq_depthwise_conv2d_int16_dsp(const eq_depthwise_conv2d_int16_dsp_params *p, const int16_t *input, int16_t *output,
                                   void *scratch);

#endif
