/* Matrices whose weights have 4 bits, in the struct of eq/gemm_dsp.h. */
#ifndef EQ_GEMM_INT4_DSP_H
#define EQ_GEMM_INT4_DSP_H

#include "eq/gemm_dsp.h"

/* For every pair of channels `weights` holds k / 4 words and two biases. A word has four values of k for both channels:
 * in its lower half 0 and 1, in its upper half 2 and 3; of each half the lowest bits are the first channel's 0 (2),
 * then come the second channel's, then the first channel's 1 (3) and the second's. 128 times a channel's sum of
 * magnitudes is below 2^19. For `direct` biases are doubled, the channels' multipliers follow, all below 2^31 and
 * without a shift, and outputs are clamped to int8 only. */

#endif
