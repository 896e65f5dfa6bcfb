/* Matrices whose weights have 2 bits or 1, in the struct of eq/gemm_dsp.h. */
#ifndef EQ_GEMM_NARROW_DSP_H
#define EQ_GEMM_NARROW_DSP_H

#include "eq/gemm_dsp.h"

/* Weights are stored as fields that are not negative: of 2 bits 2 more than the weight, -2 to 1; of 1 bit 1 for 1, 0
 * for -1. For every group of two or four output channels there are the biases, doubled, then words of fields, then, for
 * `direct`, the multipliers, all below 2^31 and without a shift, and outputs are clamped to int8 only. Fields fill both
 * halves of a word from their lowest bits on: of every four values of k the pair (0, 2) of each channel, then the pair
 * (1, 3) of each, the first of a pair in the lower half. Groups overlap as in eq/gemm_dsp.h and
 * eq/fully_connected_dsp.h. */

#endif
