/* 2-D convolution in one group of NHWC int16 images with weights of 8 bits, sums of 32 bits. */
#ifndef EQ_CONV2D_INT16_DSP_H
#define EQ_CONV2D_INT16_DSP_H

#include <stdint.h>

/* Output channels are computed in pairs: 0 and 1, 2 and 3, ...; if their number is odd, 0 and 1, 1 and 2, 3 and 4, ...
 * For every pair `weights` holds two biases, k / 2 words of weights, two mantissas, and in the lower two bytes of a
 * word two shifts, from 1 to 30: a result is (sum · mantissa + 2^(31 + shift)) >> (32 + shift). A word has two values
 * of k in its halves, of each the first channel's weight in the low byte and the second's in the high byte. */
typedef struct {
    int32_t batch, in_h, in_w, in_c, out_h, out_w, out_c; /* out_c is 2 or more */
    int32_t kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w;
    int32_t pad_top, pad_left;
    const int32_t *weights;
    int32_t k; /* products per output, padded with a zero to an even number */
    int32_t qmin, qmax;
    int32_t direct; /* every window is one pixel inside the image, beside the one before it */
} eq_conv2d_int16_dsp_params;

/* scratch: three windows side by side, 6 * k bytes, and, unless `direct`, as much again. */
void eq_conv2d_int16_dsp(const eq_conv2d_int16_dsp_params *p, const int16_t *input, int16_t *output, void *scratch);

#endif
