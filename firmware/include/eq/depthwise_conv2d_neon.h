/* Depthwise 2-D convolution of NHWC int8 images, one output channel for each of the input's, with Arm's vectors. */
#ifndef EQ_DEPTHWISE_CONV2D_NEON_H
#define EQ_DEPTHWISE_CONV2D_NEON_H

#include <stdint.h>

/* Channels are in blocks of 16 lanes: the last block overlaps the one before it, or is filled up. If `flat`, the
 * outputs of a row are one block after another, whose lanes are the channels of several pixels. */
typedef struct {
    int32_t batch, in_h, in_w, in_c, out_h, out_w, out_c;
    int32_t kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w;
    int32_t pad_top, pad_left;
    int32_t pad_value; /* what the input reads as outside its borders: its zero-point */
    int32_t band;      /* output rows whose input is copied at once */
    int32_t flat;
    int32_t together;          /* _dotprod: output rows computed from the same columns */
    int32_t fours;             /* _dotprod: groups of four input rows that these see */
    const int32_t *offsets;    /* _neon: of each tap from the first one, in the copy */
    const int8_t *weights;     /* as kernels/neon/depthwise_neon.c and depthwise_dotprod.c say */
    const int32_t *bias;       /* input zero-point folded in */
    const int32_t *multiplier; /* m * 2^31, or its mantissa */
    const int32_t *shift;      /* the mantissa's exponent, -31 ... -1; NULL for _fast */
    int32_t zero_point, qmin, qmax;
    int32_t small; /* whether no scaled sum leaves 16 bits, with or without the zero-point */
} eq_depthwise_conv2d_neon_params;

/* scratch: the band and 16 bytes; _dotprod: also, for each of its columns, 64 bytes for every group of four rows, or
 * only these for windows of three columns that see one group, of at least 16 channels. */
void eq_depthwise_conv2d_neon_fast(const eq_depthwise_conv2d_neon_params *p, const int8_t *input, int8_t *output,
                                   void *scratch);
void eq_depthwise_conv2d_neon_single(const eq_depthwise_conv2d_neon_params *p, const int8_t *input, int8_t *output,
                                     void *scratch);
void eq_depthwise_conv2d_neon_double(const eq_depthwise_conv2d_neon_params *p, const int8_t *input, int8_t *output,
                                     void *scratch);

void eq_depthwise_conv2d_dotprod_fast(const eq_depthwise_conv2d_neon_params *p, const int8_t *input, int8_t *output,
                                      void *scratch);
void eq_depthwise_conv2d_dotprod_single(const eq_depthwise_conv2d_neon_params *p, const int8_t *input, int8_t *output,
                                        void *scratch);
void eq_depthwise_conv2d_dotprod_double(const eq_depthwise_conv2d_neon_params *p, const int8_t *input, int8_t *output,
                                        void *scratch);

#endif
