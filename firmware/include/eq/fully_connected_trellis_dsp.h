/* Fully connected layer whose weights are paths through a trellis, as in eq/fully_connected_trellis.h. */
#ifndef EQ_FULLY_CONNECTED_TRELLIS_DSP_H
#define EQ_FULLY_CONNECTED_TRELLIS_DSP_H

#include <stdint.h>

/* Output channels are computed in pairs, of which the last overlaps the one before where they are odd. For each pair
 * `weights` holds the biases with the input's zero-point folded in; for every 16 inputs a word of codes of one channel,
 * the first in the lowest bits, and one of the other; for `direct` the multipliers, as those of
 * eq_fully_connected_dsp_params. */
typedef struct {
    int32_t rows, in_c, out_c;
    const int8_t *table; /* 256 weights */
    const int32_t *weights;
    int32_t zero_point;
    const int32_t *mantissa; /* the rest is for kernels that end in a rounding: NULL and 0 in others */
    const int8_t *shift;
    int32_t qmin, qmax;
} eq_fully_connected_trellis_dsp_params;

/* scratch: a word for each pair of neighbouring weights, 1024; then two bytes for each input, filled up to a multiple
 * of 16. */
void eq_fully_connected_trellis_dsp_direct(const eq_fully_connected_trellis_dsp_params *p, const int8_t *input,
                                           int8_t *output, void *scratch);
void eq_fully_connected_trellis_dsp_fast(const eq_fully_connected_trellis_dsp_params *p, const int8_t *input,
                                         int8_t *output, void *scratch);
void eq_fully_connected_trellis_dsp_single(const eq_fully_connected_trellis_dsp_params *p, const int8_t *input,
                                           int8_t *output, void *scratch);
void eq_fully_connected_trellis_dsp_double(const eq_fully_connected_trellis_dsp_params *p, const int8_t *input,
                                           int8_t *output, void *scratch);

#endif
