/* Depthwise 2-D convolution of NHWC int8 images on Helium. */
#ifndef EQ_DEPTHWISE_CONV2D_MVE_H
#define EQ_DEPTHWISE_CONV2D_MVE_H

#include <stdint.h>

/* Output channels are in blocks of 16, of which the last is filled up. A block may stand for several neighbouring
 * pixels: with 8, 4, 2 or 1 channels the arrays repeat them. Arrays per channel are in the order of
 * kernels/mve/requant.h. */
typedef struct {
    int32_t batch, in_h, in_w, in_c, out_h, out_w, out_c;
    int32_t kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w;
    int32_t pad_top, pad_left;
    int32_t pad_value;     /* what the input reads as outside its borders: its zero-point */
    int32_t together;      /* pixels in a block */
    const int8_t *weights; /* _4x4: per channel in that order 4 columns of 4 rows; else (blocks, taps made even, 16) */
    const uint8_t *source; /* not _4x4: (blocks, 16), the input channel from the block's first one on */
    const int32_t *bias;   /* input zero-point folded in */
    const int32_t *multiplier; /* m * 2^31, or its mantissa */
    const int32_t *shift;      /* _single: of the product's high word; _double: of the rounded product; _fast: NULL */
    int32_t zero_point, qmin, qmax;
} eq_depthwise_conv2d_mve_params;

/* Windows of at most 4 rows and 4 columns, one output channel per input channel. scratch: 64 bytes for every column
 * that the blocks of an output row read. */
void eq_depthwise_conv2d_4x4_mve_fast(const eq_depthwise_conv2d_mve_params *p, const int8_t *input, int8_t *output,
                                      void *scratch);
void eq_depthwise_conv2d_4x4_mve_single(const eq_depthwise_conv2d_mve_params *p, const int8_t *input, int8_t *output,
                                        void *scratch);
void eq_depthwise_conv2d_4x4_mve_double(const eq_depthwise_conv2d_mve_params *p, const int8_t *input, int8_t *output,
                                        void *scratch);

/* Any window and multiplier. scratch: 16 bytes per tap, their number made even. */
void eq_depthwise_conv2d_mve_fast(const eq_depthwise_conv2d_mve_params *p, const int8_t *input, int8_t *output,
                                  void *scratch);
void eq_depthwise_conv2d_mve_single(const eq_depthwise_conv2d_mve_params *p, const int8_t *input, int8_t *output,
                                    void *scratch);
void eq_depthwise_conv2d_mve_double(const eq_depthwise_conv2d_mve_params *p, const int8_t *input, int8_t *output,
                                    void *scratch);

/* One weight per channel. Arrays repeat the channels up to a period, a multiple of four. */
typedef struct {
    int32_t size, period; /* elements in all, and of a period */
    const int32_t *weights;
    const int32_t *bias;       /* input zero-point folded in */
    const int32_t *multiplier; /* as above */
    const int32_t *shift;
    int32_t zero_point, qmin, qmax;
} eq_depthwise_conv2d_1x1_mve_params;

/* The output may be the input. */
void eq_depthwise_conv2d_1x1_mve_fast(const eq_depthwise_conv2d_1x1_mve_params *p, const int8_t *input, int8_t *output);
void eq_depthwise_conv2d_1x1_mve_single(const eq_depthwise_conv2d_1x1_mve_params *p, const int8_t *input,
                                        int8_t *output);
void eq_depthwise_conv2d_1x1_mve_double(const eq_depthwise_conv2d_1x1_mve_params *p, const int8_t *input,
                                        int8_t *output);

/* With weights of 4 bits, in the order of `plain.weights`, which is NULL: of 32 the first 16 are the low halves of
 * bytes, the others the high ones. */
typedef struct {
    eq_depthwise_conv2d_mve_params plain;
    const int8_t *weights;
    int32_t count; /* of weights, a multiple of 32 */
} eq_depthwise_conv2d_int4_mve_params;

/* scratch: `count` bytes, then as above. */
void eq_depthwise_conv2d_4x4_int4_mve_fast(const eq_depthwise_conv2d_int4_mve_params *p, const int8_t *input,
                                           int8_t *output, void *scratch);
void eq_depthwise_conv2d_4x4_int4_mve_single(const eq_depthwise_conv2d_int4_mve_params *p, const int8_t *input,
                                             int8_t *output, void *scratch);
void eq_depthwise_conv2d_4x4_int4_mve_double(const eq_depthwise_conv2d_int4_mve_params *p, const int8_t *input,
                                             int8_t *output, void *scratch);
void eq_depthwise_conv2d_int4_mve_fast(const eq_depthwise_conv2d_int4_mve_params *p, const int8_t *input,
                                       int8_t *output, void *scratch);
void eq_depthwise_conv2d_int4_mve_single(const eq_depthwise_conv2d_int4_mve_params *p, const int8_t *input,
                                         int8_t *output, void *scratch);
void eq_depthwise_conv2d_int4_mve_double(const eq_depthwise_conv2d_int4_mve_params *p, const int8_t *input,
                                         int8_t *output, void *scratch);

#endif
