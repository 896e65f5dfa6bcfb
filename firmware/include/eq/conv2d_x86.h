/* 2-D convolution of NHWC int8 images in one group, and fully connected layers, with the vectors of x86. */
#ifndef EQ_CONV2D_X86_H
#define EQ_CONV2D_X86_H

#include <stdint.h>

/* Arrays are filled up to a multiple of the vectors' lanes: 8, with AVX-512 16. */
typedef struct {
    int32_t batch, in_h, in_w, in_c, out_h, out_w, out_c;
    int32_t kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w;
    int32_t pad_top, pad_left;
    int32_t pad_value;      /* what the input reads as outside its borders: its zero-point */
    int32_t depth;          /* taps of a window, filled up to whole steps: of 4, with AVX2 of 2 */
    int32_t row;            /* activations of a row of the input with its borders */
    int32_t together;       /* rows of the output that are computed from one copy of the input's */
    const int32_t *offsets; /* of every step of a window from its beginning, in such rows */
    const int32_t
        *strips; /* _avx2_bytes: of every two vectors' channels, the first of their steps and how many; else NULL */
    const int8_t *weights;     /* as kernels/x86/gemm.h says */
    const int32_t *bias;       /* input zero-point folded in, and 128 where activations are unsigned */
    const int32_t *multiplier; /* m * 2^31, or its mantissa; _nearest and _away: bits of a 32-bit float */
    const int32_t *shift;      /* _single: of the product's high word; _double: of the rounded product; to the right;
                                  _nearest and _away: what is added to a sum, bits of a float */
    int32_t zero_point, qmin, qmax;
} eq_conv2d_x86_params;

/* scratch: the rows that `together` rows of the output read and 16 more activations, each of 1 byte, with AVX2 of 2. */
void eq_conv2d_avx2_fast(const eq_conv2d_x86_params *p, const int8_t *input, int8_t *output, void *scratch);
void eq_conv2d_avx2_single(const eq_conv2d_x86_params *p, const int8_t *input, int8_t *output, void *scratch);
void eq_conv2d_avx2_double(const eq_conv2d_x86_params *p, const int8_t *input, int8_t *output, void *scratch);
void eq_conv2d_avx2_nearest(const eq_conv2d_x86_params *p, const int8_t *input, int8_t *output, void *scratch);
void eq_conv2d_avx2_away(const eq_conv2d_x86_params *p, const int8_t *input, int8_t *output, void *scratch);

void eq_conv2d_avx2_bytes_fast(const eq_conv2d_x86_params *p, const int8_t *input, int8_t *output, void *scratch);
void eq_conv2d_avx2_bytes_single(const eq_conv2d_x86_params *p, const int8_t *input, int8_t *output, void *scratch);
void eq_conv2d_avx2_bytes_double(const eq_conv2d_x86_params *p, const int8_t *input, int8_t *output, void *scratch);
void eq_conv2d_avx2_bytes_nearest(const eq_conv2d_x86_params *p, const int8_t *input, int8_t *output, void *scratch);
void eq_conv2d_avx2_bytes_away(const eq_conv2d_x86_params *p, const int8_t *input, int8_t *output, void *scratch);

void eq_conv2d_avx_vnni_fast(const eq_conv2d_x86_params *p, const int8_t *input, int8_t *output, void *scratch);
void eq_conv2d_avx_vnni_single(const eq_conv2d_x86_params *p, const int8_t *input, int8_t *output, void *scratch);
void eq_conv2d_avx_vnni_double(const eq_conv2d_x86_params *p, const int8_t *input, int8_t *output, void *scratch);
void eq_conv2d_avx_vnni_nearest(const eq_conv2d_x86_params *p, const int8_t *input, int8_t *output, void *scratch);
void eq_conv2d_avx_vnni_away(const eq_conv2d_x86_params *p, const int8_t *input, int8_t *output, void *scratch);

void eq_conv2d_avx512_vnni_fast(const eq_conv2d_x86_params *p, const int8_t *input, int8_t *output, void *scratch);
void eq_conv2d_avx512_vnni_single(const eq_conv2d_x86_params *p, const int8_t *input, int8_t *output, void *scratch);
void eq_conv2d_avx512_vnni_double(const eq_conv2d_x86_params *p, const int8_t *input, int8_t *output, void *scratch);
void eq_conv2d_avx512_vnni_nearest(const eq_conv2d_x86_params *p, const int8_t *input, int8_t *output, void *scratch);
void eq_conv2d_avx512_vnni_away(const eq_conv2d_x86_params *p, const int8_t *input, int8_t *output, void *scratch);

#endif
