/* 3x3 convolution with stride 1 in one group of NHWC int8 images, by the algorithm F(2x2, 3x3) of Winograd in integers,
 * with the vectors of x86. */
#ifndef EQ_WINOGRAD_X86_H
#define EQ_WINOGRAD_X86_H

#include <stdint.h>

/* A tile of 2x2 outputs is computed from the 4x4 inputs d around it and a channel's window g as A'[(G g G')(B'd B)]A.
 * `weights` holds G g G' for G = (2 0 0), (1 1 1), (1 -1 1), (0 0 2), so that sums come out four times too large: per
 * 16 output channels, per position, per two input channels: these two of each output channel, in the order of two
 * vectors as kernels/x86/vectors.h says. */
typedef struct {
    int32_t batch, in_h, in_w, in_c, out_h, out_w, out_c; /* channels are multiples of 16 */
    int32_t pad_top, pad_left;
    int32_t pad_value; /* what the input reads as outside its borders: its zero-point */
    const int16_t *weights;
    const int32_t *bias;       /* input zero-point folded in, times four */
    const int32_t *multiplier; /* as in eq_conv2d_x86_params */
    const int32_t *shift;
    int32_t zero_point, qmin, qmax;
} eq_winograd_x86_params;

/* scratch: 193 * in_c + 64 bytes. */
void eq_winograd_avx2_fast(const eq_winograd_x86_params *p, const int8_t *input, int8_t *output, void *scratch);
void eq_winograd_avx2_single(const eq_winograd_x86_params *p, const int8_t *input, int8_t *output, void *scratch);
void eq_winograd_avx2_double(const eq_winograd_x86_params *p, const int8_t *input, int8_t *output, void *scratch);
void eq_winograd_avx2_nearest(const eq_winograd_x86_params *p, const int8_t *input, int8_t *output, void *scratch);
void eq_winograd_avx2_away(const eq_winograd_x86_params *p, const int8_t *input, int8_t *output, void *scratch);

#endif
