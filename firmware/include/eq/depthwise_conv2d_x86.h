/* Depthwise 2-D convolution of NHWC int8 images, one output channel for each of the input's, with the vectors of x86.
 */
#ifndef EQ_DEPTHWISE_CONV2D_X86_H
#define EQ_DEPTHWISE_CONV2D_X86_H

#include <stdint.h>

/* A row of the output is computed in steps of `out_step` elements: the channels of a pixel; or, where neighbouring
 * windows are neighbours in the input, as many pixels as make whole blocks. Arrays are in blocks of 64 elements of a
 * step, with AVX-VNNI 32, with AVX2 16, the last one filled up; within a block in the order of sums, as
 * kernels/x86/vectors.h says. */
typedef struct {
    int32_t batch, in_h, in_w, in_c, out_h, out_w, out_c;
    int32_t kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w;
    int32_t pad_top, pad_left;
    int32_t pad_value;         /* what the input reads as outside its borders: its zero-point */
    int32_t row;               /* activations of a row in scratch, a multiple of 64 */
    int32_t in_step, out_step; /* activations from one step's windows to the next one's; elements of a step */
    int32_t groups;            /* of four taps, with AVX2 of two */
    const int8_t *weights;     /* per block, per group of taps: those of each element; with AVX2 as 16 bits */
    const int32_t *bias;       /* input zero-point folded in, and 128 where activations are unsigned */
    const int32_t *multiplier; /* m * 2^31, or its mantissa; _nearest and _away: bits of a 32-bit float */
    const int32_t *shift;      /* _single: of the product's high word; _double: of the rounded product; to the right;
                                  _nearest and _away: what is added to a sum, bits of a float */
    int32_t zero_point, qmin, qmax;
} eq_depthwise_conv2d_x86_params;

/* scratch: as many rows of activations as a window is high and one more, a pointer for each tap, and 64 bytes. */
void eq_depthwise_conv2d_avx2_fast(const eq_depthwise_conv2d_x86_params *p, const int8_t *input, int8_t *output,
                                   void *scratch);
void eq_depthwise_conv2d_avx2_single(const eq_depthwise_conv2d_x86_params *p, const int8_t *input, int8_t *output,
                                     void *scratch);
void eq_depthwise_conv2d_avx2_double(const eq_depthwise_conv2d_x86_params *p, const int8_t *input, int8_t *output,
                                     void *scratch);
void eq_depthwise_conv2d_avx2_nearest(const eq_depthwise_conv2d_x86_params *p, const int8_t *input, int8_t *output,
                                      void *scratch);
void eq_depthwise_conv2d_avx2_away(const eq_depthwise_conv2d_x86_params *p, const int8_t *input, int8_t *output,
                                   void *scratch);

void eq_depthwise_conv2d_avx_vnni_fast(const eq_depthwise_conv2d_x86_params *p, const int8_t *input, int8_t *output,
                                       void *scratch);
void eq_depthwise_conv2d_avx_vnni_single(const eq_depthwise_conv2d_x86_params *p, const int8_t *input, int8_t *output,
                                         void *scratch);
void eq_depthwise_conv2d_avx_vnni_double(const eq_depthwise_conv2d_x86_params *p, const int8_t *input, int8_t *output,
                                         void *scratch);
void eq_depthwise_conv2d_avx_vnni_nearest(const eq_depthwise_conv2d_x86_params *p, const int8_t *input, int8_t *output,
                                          void *scratch);
void eq_depthwise_conv2d_avx_vnni_away(const eq_depthwise_conv2d_x86_params *p, const int8_t *input, int8_t *output,
                                       void *scratch);

void eq_depthwise_conv2d_avx512_vnni_fast(const eq_depthwise_conv2d_x86_params *p, const int8_t *input, int8_t *output,
                                          void *scratch);
void eq_depthwise_conv2d_avx512_vnni_single(const eq_depthwise_conv2d_x86_params *p, const int8_t *input,
                                            int8_t *output, void *scratch);
void eq_depthwise_conv2d_avx512_vnni_double(const eq_depthwise_conv2d_x86_params *p, const int8_t *input,
                                            int8_t *output, void *scratch);
void eq_depthwise_conv2d_avx512_vnni_nearest(const eq_depthwise_conv2d_x86_params *p, const int8_t *input,
                                             int8_t *output, void *scratch);
void eq_depthwise_conv2d_avx512_vnni_away(const eq_depthwise_conv2d_x86_params *p, const int8_t *input, int8_t *output,
                                          void *scratch);

#endif
