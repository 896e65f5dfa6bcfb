/* 2-D convolution of NHWC int8 images in one group, and fully connected layers, with Arm's vectors. */
#ifndef EQ_CONV2D_NEON_H
#define EQ_CONV2D_NEON_H

#include <stdint.h>

/* A window is `lines` times `run` bytes that lie side by side. Channels are in blocks; bias, multiplier and shift have
 * the channels in the blocks' order, in which some may come twice. */
typedef struct {
    int32_t batch, in_h, in_w, in_c, out_h, out_w, out_c;
    int32_t kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w;
    int32_t pad_top, pad_left;
    int32_t pad_value;         /* what the input reads as outside its borders: its zero-point */
    int32_t band;              /* output rows whose input is copied at once; 0: windows are read in the input itself */
    int32_t gather;            /* whether the lines of a window are copied to one */
    int32_t lines, run;        /* run: a multiple of 8 */
    int32_t together;          /* output pixels that are multiplied by weights before other weights are; at most 64 */
    const int8_t *weights;     /* as kernels/neon/sums_neon.h and sums_dotprod.h say */
    const int32_t *bias;       /* input zero-point folded in */
    const int32_t *multiplier; /* m * 2^31, or its mantissa */
    const int32_t *shift;      /* the mantissa's exponent, -31 ... -1; NULL for _fast */
    int32_t zero_point, qmin, qmax;
    int32_t small; /* whether no scaled sum leaves 16 bits, with or without the zero-point */
} eq_conv2d_neon_params;

/* scratch: the band and 16 bytes; if lines are gathered, also `together` windows and 16 bytes. */
void eq_conv2d_neon_fast(const eq_conv2d_neon_params *p, const int8_t *input, int8_t *output, void *scratch);
void eq_conv2d_neon_single(const eq_conv2d_neon_params *p, const int8_t *input, int8_t *output, void *scratch);
void eq_conv2d_neon_double(const eq_conv2d_neon_params *p, const int8_t *input, int8_t *output, void *scratch);

void eq_conv2d_dotprod_fast(const eq_conv2d_neon_params *p, const int8_t *input, int8_t *output, void *scratch);
void eq_conv2d_dotprod_single(const eq_conv2d_neon_params *p, const int8_t *input, int8_t *output, void *scratch);
void eq_conv2d_dotprod_double(const eq_conv2d_neon_params *p, const int8_t *input, int8_t *output, void *scratch);

#endif
