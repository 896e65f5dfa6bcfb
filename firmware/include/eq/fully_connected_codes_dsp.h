/* Fully connected layer whose weights are codes: places in a table of the layer's. */
#ifndef EQ_FULLY_CONNECTED_CODES_DSP_H
#define EQ_FULLY_CONNECTED_CODES_DSP_H

#include <stdint.h>

/* Output channels are computed in fours, which overlap as in eq/fully_connected_dsp.h. For every four `weights` holds
 * the biases with the input's zero-point folded in; words of codes; for `direct` the multipliers, as those of
 * eq_fully_connected_dsp_params. Of every four inputs the codes of 0 and 2 of each channel, then those of 1 and 3 of
 * each, fill words from their lowest bits on. */
typedef struct {
    int32_t rows, in_c, out_c;
    const int8_t *table; /* 16 or 4 weights */
    const int32_t *weights;
    int32_t zero_point;
    const int32_t *mantissa; /* the rest is for kernels that end in a rounding: NULL and 0 in others */
    const int8_t *shift;
    int32_t qmin, qmax;
} eq_fully_connected_codes_dsp_params;

/* scratch: a word for each pair of codes, 256 or 16; then two bytes for each input, filled up to a multiple of four. */
void eq_fully_connected_code4_dsp_direct(const eq_fully_connected_codes_dsp_params *p, const int8_t *input,
                                         int8_t *output, void *scratch);
void eq_fully_connected_code4_dsp_fast(const eq_fully_connected_codes_dsp_params *p, const int8_t *input,
                                       int8_t *output, void *scratch);
void eq_fully_connected_code4_dsp_single(const eq_fully_connected_codes_dsp_params *p, const int8_t *input,
                                         int8_t *output, void *scratch);
void eq_fully_connected_code4_dsp_double(const eq_fully_connected_codes_dsp_params *p, const int8_t *input,
                                         int8_t *output, void *scratch);
void eq_fully_connected_code2_dsp_direct(const eq_fully_connected_codes_dsp_params *p, const int8_t *input,
                                         int8_t *output, void *scratch);
void eq_fully_connected_code2_dsp_fast(const eq_fully_connected_codes_dsp_params *p, const int8_t *input,
                                       int8_t *output, void *scratch);
void eq_fully_connected_code2_dsp_single(const eq_fully_connected_codes_dsp_params *p, const int8_t *input,
                                         int8_t *output, void *scratch);
void eq_fully_connected_code2_dsp_double(const eq_fully_connected_codes_dsp_params *p, const int8_t *input,
                                         int8_t *output, void *scratch);

#endif
