/* As eq/pointwise_dsp.h, with weights of 4 bits. */
#ifndef EQ_POINTWISE_INT4_DSP_H
#define EQ_POINTWISE_INT4_DSP_H

#include "eq/pointwise_dsp.h"

/* For every pair of channels `gemm.weights` holds two biases and k / 4 words. A word has four values of k for both
 * channels: in its lower half 0 and 1, in its upper half 2 and 3; of each half the lowest bits are the first channel's
 * 0 (2), then come the second channel's, then the first channel's 1 (3) and the second's. 128 times a channel's sum of
 * magnitudes is below 2^19. For `direct` two doubled multipliers follow, all below 2^31, and outputs are clamped to
 * int8 only. */
void eq_pointwise_int4_dsp_direct(const eq_pointwise_dsp_params *p, const int8_t *input, int8_t *output, void *scratch);
void eq_pointwise_int4_dsp_fast(const eq_pointwise_dsp_params *p, const int8_t *input, int8_t *output, void *scratch);
void eq_pointwise_int4_dsp_single(const eq_pointwise_dsp_params *p, const int8_t *input, int8_t *output, void *scratch);
void eq_pointwise_int4_dsp_double(const eq_pointwise_dsp_params *p, const int8_t *input, int8_t *output, void *scratch);

#endif
