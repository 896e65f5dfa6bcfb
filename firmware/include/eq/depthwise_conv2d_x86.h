/* Depthwise 2-D convolution of NHWC int8 images, one output channel for each of the input's, with the vectors of x86.
 */
#ifndef EQ_DEPTHWISE_CONV2D_X86_H
#define EQ_DEPTHWISE_CONV2D_X86_H

#include <stdint.h>

/* Channels are in blocks of two vectors: 16, with AVX-512 32, the last one filled up; within a block in the order of
 * sums, as kernels/x86/vectors.h says. */
typedef struct {
    int32_t batch, in_h, in_w, in_c, out_h, out_w, out_c;
    int32_t kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w;
    int32_t pad_top, pad_left;
    int32_t pad_value;         /* what the input reads as outside its borders: its zero-point */
    const int8_t *weights;     /* per block, column, pair of rows: of each channel the pair, 0 for a row too many */
    const int32_t *bias;       /* input zero-point folded in */
    const int32_t *multiplier; /* m * 2^31, or its mantissa */
    const int32_t *shift;      /* _single: of the product's high word; _double: of the rounded product; to the right */
    int32_t zero_point, qmin, qmax;
} eq_depthwise_conv2d_x86_params;

/* scratch: for every column of the input that an output row reads, per pair of rows, a block of channels twice as wide.
 */
void eq_depthwise_conv2d_avx2_fast(const eq_depthwise_conv2d_x86_params *p, const int8_t *input, int8_t *output,
                                   void *scratch);
void eq_depthwise_conv2d_avx2_single(const eq_depthwise_conv2d_x86_params *p, const int8_t *input, int8_t *output,
                                     void *scratch);
void eq_depthwise_conv2d_avx2_double(const eq_depthwise_conv2d_x86_params *p, const int8_t *input, int8_t *output,
                                     void *scratch);

void eq_depthwise_conv2d_avx_vnni_fast(const eq_depthwise_conv2d_x86_params *p, const int8_t *input, int8_t *output,
                                       void *scratch);
void eq_depthwise_conv2d_avx_vnni_single(const eq_depthwise_conv2d_x86_params *p, const int8_t *input, int8_t *output,
                                         void *scratch);
void eq_depthwise_conv2d_avx_vnni_double(const eq_depthwise_conv2d_x86_params *p, const int8_t *input, int8_t *output,
                                         void *scratch);

void eq_depthwise_conv2d_avx512_vnni_fast(const eq_depthwise_conv2d_x86_params *p, const int8_t *input, int8_t *output,
                                          void *scratch);
void eq_depthwise_conv2d_avx512_vnni_single(const eq_depthwise_conv2d_x86_params *p, const int8_t *input,
                                            int8_t *output, void *scratch);
void eq_depthwise_conv2d_avx512_vnni_double(const eq_depthwise_conv2d_x86_params *p, const int8_t *input,
                                            int8_t *output, void *scratch);

#endif
