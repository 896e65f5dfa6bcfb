/* Fully connected layer of one row. */
#ifndef EQ_FULLY_CONNECTED_DSP_H
#define EQ_FULLY_CONNECTED_DSP_H

#include "eq/gemm_int4_dsp.h"

/* Output channels are computed in fours, the last four overlapping the ones before if their number is no multiple of
 * four; fewer than four are padded. For every four `weights` holds the biases with the input's zero-point folded in, 2
 * * k words of weights, and, for the kernels `mixed` and `plain`, the multipliers. A word of weights has two values of
 * k in its halves: of every four, 0 and 2 for channels 0 and 1, the same for channels 2 and 3, then 1 and 3 likewise.
 * Its bytes are as those of eq_gemm_dsp.
 *
 * For int4 they are k / 2 words, of every four values of k one for channels 0 and 1 and one for 2 and 3, as
 * eq/gemm_int4_dsp.h says; doubled biases; multipliers. */
typedef struct {
    const int32_t *weights;
    int32_t in_c;
    int32_t out_c;
    int32_t zero_point;
    const int32_t *mantissa; /* the rest is for kernels that end in a rounding: NULL and 0 in others, but for _shared,
                              * which have the multiplier of all channels here and none beside the weights */
    const int8_t *shift;
    int32_t qmin, qmax;
    int32_t every; /* -1: mantissa and shift are of every channel; 0: there is one, of all */
} eq_fully_connected_dsp_params;

void eq_fully_connected_dsp_mixed(const eq_fully_connected_dsp_params *p, const int8_t *input, int8_t *output);
void eq_fully_connected_dsp_plain(const eq_fully_connected_dsp_params *p, const int8_t *input, int8_t *output);
void eq_fully_connected_dsp_mixed_shared(const eq_fully_connected_dsp_params *p, const int8_t *input, int8_t *output);
void eq_fully_connected_dsp_plain_shared(const eq_fully_connected_dsp_params *p, const int8_t *input, int8_t *output);
void eq_fully_connected_dsp_int4(const eq_fully_connected_dsp_params *p, const int8_t *input, int8_t *output);
void eq_fully_connected_dsp_fast(const eq_fully_connected_dsp_params *p, const int8_t *input, int8_t *output);
void eq_fully_connected_dsp_single(const eq_fully_connected_dsp_params *p, const int8_t *input, int8_t *output);
void eq_fully_connected_dsp_double(const eq_fully_connected_dsp_params *p, const int8_t *input, int8_t *output);

#endif
