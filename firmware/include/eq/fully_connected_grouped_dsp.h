/* Fully connected layers whose weights have 4, 2 bits or 1, and a factor for every group of inputs. */
#ifndef EQ_FULLY_CONNECTED_GROUPED_DSP_H
#define EQ_FULLY_CONNECTED_GROUPED_DSP_H

#include <stdint.h>

/* Output channels are computed in fours, the last of which is filled up with zeros. For every four `weights` holds the
 * biases with the input's zero-point folded in, then for every group a word with the channels' factors, the first one's
 * in the lowest bits, and words of fields as eq/gemm_narrow_dsp.h has them; of 4 bits they are 8 more than the weight.
 * Inputs are filled up to a multiple of 8. */
typedef struct {
    int32_t rows, in_c, out_c;
    int32_t group; /* inputs of a group, a multiple of 8; the last one may have fewer */
    const int32_t *weights;
    const int32_t *mantissa;
    const int8_t *shift;
    int32_t zero_point, qmin, qmax;
} eq_fully_connected_grouped_dsp_params;

/* scratch: two bytes for each input, filled up likewise, and a word for each group. */
void eq_fully_connected_grouped_int4_dsp_fast(const eq_fully_connected_grouped_dsp_params *p, const int8_t *input,
                                              int8_t *output, void *scratch);
void eq_fully_connected_grouped_int4_dsp_single(const eq_fully_connected_grouped_dsp_params *p, const int8_t *input,
                                                int8_t *output, void *scratch);
void eq_fully_connected_grouped_int4_dsp_double(const eq_fully_connected_grouped_dsp_params *p, const int8_t *input,
                                                int8_t *output, void *scratch);
void eq_fully_connected_grouped_int2_dsp_fast(const eq_fully_connected_grouped_dsp_params *p, const int8_t *input,
                                              int8_t *output, void *scratch);
void eq_fully_connected_grouped_int2_dsp_single(const eq_fully_connected_grouped_dsp_params *p, const int8_t *input,
                                                int8_t *output, void *scratch);
void eq_fully_connected_grouped_int2_dsp_double(const eq_fully_connected_grouped_dsp_params *p, const int8_t *input,
                                                int8_t *output, void *scratch);
void eq_fully_connected_grouped_binary_dsp_fast(const eq_fully_connected_grouped_dsp_params *p, const int8_t *input,
                                                int8_t *output, void *scratch);
void eq_fully_connected_grouped_binary_dsp_single(const eq_fully_connected_grouped_dsp_params *p, const int8_t *input,
                                                  int8_t *output, void *scratch);
void eq_fully_connected_grouped_binary_dsp_double(const eq_fully_connected_grouped_dsp_params *p, const int8_t *input,
                                                  int8_t *output, void *scratch);

/* With zero-points: after the word of factors comes one of the zero-points as fields of their weights have them, those
 * of 2 bits doubled. */
void eq_fully_connected_grouped_zeros_int4_dsp_fast(const eq_fully_connected_grouped_dsp_params *p, const int8_t *input,
                                                    int8_t *output, void *scratch);
void eq_fully_connected_grouped_zeros_int4_dsp_single(const eq_fully_connected_grouped_dsp_params *p,
                                                      const int8_t *input, int8_t *output, void *scratch);
void eq_fully_connected_grouped_zeros_int4_dsp_double(const eq_fully_connected_grouped_dsp_params *p,
                                                      const int8_t *input, int8_t *output, void *scratch);
void eq_fully_connected_grouped_zeros_int2_dsp_fast(const eq_fully_connected_grouped_dsp_params *p, const int8_t *input,
                                                    int8_t *output, void *scratch);
void eq_fully_connected_grouped_zeros_int2_dsp_single(const eq_fully_connected_grouped_dsp_params *p,
                                                      const int8_t *input, int8_t *output, void *scratch);
void eq_fully_connected_grouped_zeros_int2_dsp_double(const eq_fully_connected_grouped_dsp_params *p,
                                                      const int8_t *input, int8_t *output, void *scratch);

/* With weights of 8 bits: groups have a multiple of 4 inputs; after the word of factors come four zeros and the weights
 * of four channels, as eq_fully_connected_dsp takes them mixed. scratch: bytes of a group. */
void eq_fully_connected_grouped_dsp_fast(const eq_fully_connected_grouped_dsp_params *p, const int8_t *input,
                                         int8_t *output, void *scratch);
void eq_fully_connected_grouped_dsp_single(const eq_fully_connected_grouped_dsp_params *p, const int8_t *input,
                                           int8_t *output, void *scratch);
void eq_fully_connected_grouped_dsp_double(const eq_fully_connected_grouped_dsp_params *p, const int8_t *input,
                                           int8_t *output, void *scratch);

#endif
