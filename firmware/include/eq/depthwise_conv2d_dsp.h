/* Depthwise 2-D convolution with the DSP instructions of Armv7E-M and Armv8-M. */
#ifndef EQ_DEPTHWISE_CONV2D_DSP_H
#define EQ_DEPTHWISE_CONV2D_DSP_H

#include "eq/channel.h"

/* Windows of at most 3x3, steps of one or two in both directions. Every channel has a record of bytes: nine weights,
 * row after row, those of int4 in five bytes, the first in the lowest bits; except for packed a shift; an entry.
 * Factors of packed and EQ_FAST have 32 fraction bits, and the shift of EQ_FAST is by how many bits the weights are to
 * be shifted left. Biases have the input's zero-point folded in and are shifted like the weights. */
typedef struct {
    const int8_t *records;
    int16_t batch, in_h, in_w, channels, out_h, out_w;
    int16_t words;            /* pairs of pixels in a row of a plane */
    int16_t pairs;            /* pairs of rows in a plane: all that the output needs, or a stripe of it */
    int8_t pad_top, pad_left; /* at most 2 */
    int8_t pad_value;         /* what the input reads as outside its borders: its zero-point */
    int8_t zero_point, qmin, qmax;
    int8_t stride; /* the compact kernel takes any */
    eq_entry entry;
} eq_depthwise_conv2d_3x3_dsp_params;

/* The output may be the input if it is not larger; scratch: 32 * words * pairs bytes. EQ_FAST and packed need at least
 * two columns of output. */
void eq_depthwise_conv2d_3x3_dsp_packed(const eq_depthwise_conv2d_3x3_dsp_params *p, const int8_t *input,
                                        int8_t *output, void *scratch);
void eq_depthwise_conv2d_3x3_dsp_int4_packed(const eq_depthwise_conv2d_3x3_dsp_params *p, const int8_t *input,
                                             int8_t *output, void *scratch);
void eq_depthwise_conv2d_3x3_dsp_fast(const eq_depthwise_conv2d_3x3_dsp_params *p, const int8_t *input, int8_t *output,
                                      void *scratch);
void eq_depthwise_conv2d_3x3_dsp_int4_fast(const eq_depthwise_conv2d_3x3_dsp_params *p, const int8_t *input,
                                           int8_t *output, void *scratch);
void eq_depthwise_conv2d_3x3_dsp_single(const eq_depthwise_conv2d_3x3_dsp_params *p, const int8_t *input,
                                        int8_t *output, void *scratch);
void eq_depthwise_conv2d_3x3_dsp_int4_single(const eq_depthwise_conv2d_3x3_dsp_params *p, const int8_t *input,
                                             int8_t *output, void *scratch);
void eq_depthwise_conv2d_3x3_dsp_double(const eq_depthwise_conv2d_3x3_dsp_params *p, const int8_t *input,
                                        int8_t *output, void *scratch);
void eq_depthwise_conv2d_3x3_dsp_int4_double(const eq_depthwise_conv2d_3x3_dsp_params *p, const int8_t *input,
                                             int8_t *output, void *scratch);
void eq_depthwise_conv2d_3x3_stride2_dsp_packed(const eq_depthwise_conv2d_3x3_dsp_params *p, const int8_t *input,
                                                int8_t *output, void *scratch);
void eq_depthwise_conv2d_3x3_stride2_dsp_int4_packed(const eq_depthwise_conv2d_3x3_dsp_params *p, const int8_t *input,
                                                     int8_t *output, void *scratch);
void eq_depthwise_conv2d_3x3_stride2_dsp_fast(const eq_depthwise_conv2d_3x3_dsp_params *p, const int8_t *input,
                                              int8_t *output, void *scratch);
void eq_depthwise_conv2d_3x3_stride2_dsp_int4_fast(const eq_depthwise_conv2d_3x3_dsp_params *p, const int8_t *input,
                                                   int8_t *output, void *scratch);
void eq_depthwise_conv2d_3x3_stride2_dsp_single(const eq_depthwise_conv2d_3x3_dsp_params *p, const int8_t *input,
                                                int8_t *output, void *scratch);
void eq_depthwise_conv2d_3x3_stride2_dsp_int4_single(const eq_depthwise_conv2d_3x3_dsp_params *p, const int8_t *input,
                                                     int8_t *output, void *scratch);
void eq_depthwise_conv2d_3x3_stride2_dsp_double(const eq_depthwise_conv2d_3x3_dsp_params *p, const int8_t *input,
                                                int8_t *output, void *scratch);
void eq_depthwise_conv2d_3x3_stride2_dsp_int4_double(const eq_depthwise_conv2d_3x3_dsp_params *p, const int8_t *input,
                                                     int8_t *output, void *scratch);

/* The packed kernels in little code, for any stride. words: pixels of a row with its padding, to the end of the last
 * window. The output may be the input if it is not larger; scratch: 6 * words bytes. */
void eq_compact_depthwise_conv2d_dsp(const eq_depthwise_conv2d_3x3_dsp_params *p, const int8_t *input, int8_t *output,
                                     void *scratch);
void eq_compact_depthwise_conv2d_int4_dsp(const eq_depthwise_conv2d_3x3_dsp_params *p, const int8_t *input,
                                          int8_t *output, void *scratch);

/* Windows of any size. Lines and places are rows and columns, or columns and rows where that suits the window better.
 * Each has: its number, and bytes from one to the next. */
typedef struct {
    int32_t batch, in_bytes, out_bytes; /* bytes of one image */
    int32_t channels, filters;          /* input channels, filters for each of them */
    int32_t in_lines, in_line_step, in_places, in_place_step;
    int32_t out_lines, out_line_step, out_places, out_place_step;
    int32_t kernel_lines, kernel_pairs; /* pairs of places, filled up with a weight of zero */
    int32_t line_stride, place_stride, line_dilation;
    int32_t pad_lines, pad_places; /* in front */
    int32_t pad_value;
    int32_t width;         /* places of a line of the plane, even; those after the last window's end are not read */
    int32_t stripe;        /* lines of output that are computed from one plane */
    const int8_t *weights; /* (channels * filters, kernel_lines, 2 * kernel_pairs) */
    const int8_t *weight_shift; /* EQ_FAST: bits by which a channel's weights are to be shifted left; NULL: none */
    const int32_t *bias;        /* input zero-point folded in; shifted like the weights */
    const int32_t *mantissa;    /* EQ_FAST: of 32 fraction bits */
    const int8_t *shift;        /* not for EQ_FAST */
    int32_t zero_point, qmin, qmax;
} eq_depthwise_conv2d_any_dsp_params;

/* scratch: 4 * kernel_lines * kernel_pairs bytes, and 2 * width for each line of the plane. The output may be the input
 * if it is not larger, filters is 1 and stripe is out_lines. */
void eq_depthwise_conv2d_any_dsp_fast(const eq_depthwise_conv2d_any_dsp_params *p, const int8_t *input, int8_t *output,
                                      void *scratch);
void eq_depthwise_conv2d_any_dsp_single(const eq_depthwise_conv2d_any_dsp_params *p, const int8_t *input,
                                        int8_t *output, void *scratch);
void eq_depthwise_conv2d_any_dsp_double(const eq_depthwise_conv2d_any_dsp_params *p, const int8_t *input,
                                        int8_t *output, void *scratch);

/* One weight per channel, for all pixels of all images. */
typedef struct {
    int32_t pixels, channels;
    const int16_t *weights;  /* EQ_FAST: shifted left as the biases are */
    const int32_t *bias;     /* input zero-point folded in */
    const int32_t *mantissa; /* EQ_FAST: of 32 fraction bits */
    const int8_t *shift;     /* not for EQ_FAST */
    int32_t zero_point, qmin, qmax;
} eq_depthwise_conv2d_1x1_dsp_params;

/* The output may be the input. */
void eq_depthwise_conv2d_1x1_dsp_fast(const eq_depthwise_conv2d_1x1_dsp_params *p, const int8_t *input, int8_t *output);
void eq_depthwise_conv2d_1x1_dsp_single(const eq_depthwise_conv2d_1x1_dsp_params *p, const int8_t *input,
                                        int8_t *output);
void eq_depthwise_conv2d_1x1_dsp_double(const eq_depthwise_conv2d_1x1_dsp_params *p, const int8_t *input,
                                        int8_t *output);

/* Windows of one column or one row without padding. Steps are in bytes: from one image to the next, from one row and
 * one column of windows to the next, and from one tap of a window to the next. */
typedef struct {
    int32_t images, rows, columns, channels; /* of the output; at least 4 channels */
    int32_t image_step, row_step, column_step;
    int32_t taps, tap_step;
    const int32_t *weights; /* of every four channels: biases, input zero-point folded in; factors, EQ_FAST: of 32
                             * fraction bits; pairs of taps of 16 bits, EQ_FAST: shifted left as the biases are */
    const int8_t *shift;    /* not for EQ_FAST */
    int32_t zero_point, qmin, qmax;
} eq_depthwise_conv2d_column_dsp_params;

void eq_depthwise_conv2d_column_dsp_fast(const eq_depthwise_conv2d_column_dsp_params *p, const int8_t *input,
                                         int8_t *output);
void eq_depthwise_conv2d_column_dsp_single(const eq_depthwise_conv2d_column_dsp_params *p, const int8_t *input,
                                           int8_t *output);
void eq_depthwise_conv2d_column_dsp_double(const eq_depthwise_conv2d_column_dsp_params *p, const int8_t *input,
                                           int8_t *output);

#endif
