/* 2-D convolution in one group of NHWC int8 images. */
#ifndef EQ_CONV2D_DSP_H
#define EQ_CONV2D_DSP_H

#include "eq/gemm_dsp.h"

typedef struct {
    eq_gemm_dsp gemm;
    int32_t batch, in_h, in_w, in_c, out_h, out_w;
    int32_t kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w;
    int32_t pad_top, pad_left;
    int32_t pad_value; /* what the input reads as outside its borders: its zero-point */
    /* Output pixels whose windows lie within the image; none if dilation_w > 1: rows top ... bottom - 1, and columns.
     */
    int32_t inside_top, inside_left, inside_bottom, inside_right;
    int32_t spare; /* 3 * out_c, rounded up to a multiple of 4, if the number of output pixels % 3 is 2; else 0 */
} eq_conv2d_dsp_params;

/* The order of k: of every row of the window its whole words of four values, then what they leave of each row; a row is
 * kernel_w * in_c values.
 * scratch: three widened windows, 6 * k bytes; `spare`; three windows, if not all lie within the image with columns
 * side by side; and what words leave of their rows. */
void eq_conv2d_dsp_mixed(const eq_conv2d_dsp_params *p, const int8_t *input, int8_t *output, void *scratch);
void eq_conv2d_dsp_plain(const eq_conv2d_dsp_params *p, const int8_t *input, int8_t *output, void *scratch);
void eq_conv2d_dsp_mixed_double(const eq_conv2d_dsp_params *p, const int8_t *input, int8_t *output, void *scratch);
void eq_conv2d_dsp_fast(const eq_conv2d_dsp_params *p, const int8_t *input, int8_t *output, void *scratch);
void eq_conv2d_dsp_single(const eq_conv2d_dsp_params *p, const int8_t *input, int8_t *output, void *scratch);
void eq_conv2d_dsp_double(const eq_conv2d_dsp_params *p, const int8_t *input, int8_t *output, void *scratch);

#endif
