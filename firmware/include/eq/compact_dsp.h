/* Convolutions and fully connected layers in few bytes of code and constants. FAST rounding with factors below 1/2,
 * clamped to int8 only. */
#ifndef EQ_COMPACT_DSP_H
#define EQ_COMPACT_DSP_H

#include "eq/channel.h"
#include "eq/gemm_int4_dsp.h"

/* A group is as many output channels as are computed at once: two by convolutions, four by fully connected layers. If
 * out_c is no multiple of it, groups overlap: with two the first two, with four the last two.
 *
 * For every group `weights` holds a word for each two values of k and two channels: of every four values 0 and 2 for
 * all channels, then 1 and 3. Its bytes are as those of eq_gemm_dsp, but no channel is negated. For int4 a word has
 * four values of k and two channels, as eq/gemm_int4_dsp.h says, biases are doubled, and factors have 31 fraction
 * bits; those of fully connected layers may be 1 and more, by `shifted`. */
typedef struct {
    const int32_t *weights;
    const int8_t *entries; /* of every channel; their factors have 32 fraction bits */
    int16_t k;             /* products per output, a multiple of 4 */
    int16_t out_c;         /* not less than a group */
    eq_entry entry;
    int8_t zero_point;
    int8_t shifted; /* 1: before each entry there is a byte, by how many bits the sum is to be shifted to the left */
} eq_compact_dsp;

typedef struct {
    eq_compact_dsp gemm;
    int8_t pad_value; /* what the input reads as outside its borders: its zero-point */
    int8_t kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w;
    int8_t pad_top, pad_left;
    int16_t batch, in_h, in_w, in_c, out_h, out_w;
} eq_compact_conv2d_dsp_params;

/* The order of k: row after row of the window, each filled up with zeros to a multiple of 4.
 * scratch: three widened windows, 6 * k bytes; 20 bytes for each group; and three outputs, 3 * out_c, and a row of the
 * window, together rounded up to a multiple of 4. */
void eq_compact_conv2d_dsp_mixed(const eq_compact_conv2d_dsp_params *p, const int8_t *input, int8_t *output,
                                 void *scratch);
void eq_compact_conv2d_dsp_plain(const eq_compact_conv2d_dsp_params *p, const int8_t *input, int8_t *output,
                                 void *scratch);
void eq_compact_conv2d_dsp_int4(const eq_compact_conv2d_dsp_params *p, const int8_t *input, int8_t *output,
                                void *scratch);

/* Windows of one pixel. scratch: the same, without the row of a window. */
typedef struct {
    eq_compact_dsp gemm;
    int16_t in_c;
    int16_t pixels;
} eq_compact_pointwise_dsp_params;

void eq_compact_pointwise_dsp_mixed(const eq_compact_pointwise_dsp_params *p, const int8_t *input, int8_t *output,
                                    void *scratch);
void eq_compact_pointwise_dsp_plain(const eq_compact_pointwise_dsp_params *p, const int8_t *input, int8_t *output,
                                    void *scratch);
void eq_compact_pointwise_dsp_int4(const eq_compact_pointwise_dsp_params *p, const int8_t *input, int8_t *output,
                                   void *scratch);

/* One row, at least four channels. */
typedef struct {
    eq_compact_dsp gemm;
    int16_t in_c;
} eq_compact_fully_connected_dsp_params;

void eq_compact_fully_connected_dsp_mixed(const eq_compact_fully_connected_dsp_params *p, const int8_t *input,
                                          int8_t *output);
void eq_compact_fully_connected_dsp_plain(const eq_compact_fully_connected_dsp_params *p, const int8_t *input,
                                          int8_t *output);
void eq_compact_fully_connected_dsp_int4(const eq_compact_fully_connected_dsp_params *p, const int8_t *input,
                                         int8_t *output);

/* The same where all channels share a factor, with any rounding. */
typedef struct {
    const int32_t *weights;
    const uint8_t *biases; /* of every channel so many bytes, the low one first; then what is read beyond the last */
    int32_t mantissa;
    int16_t in_c;
    int16_t out_c;
    int8_t bias_bytes;
    int8_t shift, zero_point, qmin, qmax;
} eq_shared_fully_connected_dsp_params;

void eq_shared_fully_connected_dsp_mixed_fast(const eq_shared_fully_connected_dsp_params *p, const int8_t *input,
                                              int8_t *output);
void eq_shared_fully_connected_dsp_mixed_single(const eq_shared_fully_connected_dsp_params *p, const int8_t *input,
                                                int8_t *output);
void eq_shared_fully_connected_dsp_mixed_double(const eq_shared_fully_connected_dsp_params *p, const int8_t *input,
                                                int8_t *output);
void eq_shared_fully_connected_dsp_plain_fast(const eq_shared_fully_connected_dsp_params *p, const int8_t *input,
                                              int8_t *output);
void eq_shared_fully_connected_dsp_plain_single(const eq_shared_fully_connected_dsp_params *p, const int8_t *input,
                                                int8_t *output);
void eq_shared_fully_connected_dsp_plain_double(const eq_shared_fully_connected_dsp_params *p, const int8_t *input,
                                                int8_t *output);

/* The same where channels have few factors, but for whole octaves between them. */
typedef struct {
    const int32_t *weights;
    /* Of every channel so many bits, the low ones first: which factor, by how many octaves less, and the bias; then
     * what is read beyond the last. An entry lies in four bytes, the first of which it begins in. */
    const uint8_t *entries;
    const uint32_t *factors; /* 32 fraction bits */
    int16_t in_c;
    int16_t out_c;
    int8_t bits, factor_bits, octave_bits;
    int8_t zero_point;
    int8_t left; /* with int4: bits by which sums are shifted, less as many as there are octaves less; these are left */
} eq_octave_fully_connected_dsp_params;

void eq_octave_fully_connected_dsp_mixed(const eq_octave_fully_connected_dsp_params *p, const int8_t *input,
                                         int8_t *output);
void eq_octave_fully_connected_dsp_plain(const eq_octave_fully_connected_dsp_params *p, const int8_t *input,
                                         int8_t *output);
void eq_octave_fully_connected_dsp_int4(const eq_octave_fully_connected_dsp_params *p, const int8_t *input,
                                        int8_t *output);

#endif
