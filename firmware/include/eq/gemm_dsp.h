/* What the dsp kernels that multiply pixels by a matrix of weights share. */
#ifndef EQ_GEMM_DSP_H
#define EQ_GEMM_DSP_H

#include <stdint.h>

/* Output channels are computed in pairs: 0 and 1, 2 and 3, ...; if their number is odd, 0 and 1, 1 and 2, 3 and 4, ...
 * For every pair `weights` holds two biases with the input's zero-point folded in, k / 2 words of weights, and, for the
 * kernels `mixed` and `plain`, two multipliers; for `mixed_single` two mantissas, two times 2^(shift - 1) + zero_point
 * * 2^shift, two shifts, from 1 to 22; for `mixed_double` two mantissas times 2, modulo 2^32, two shifts less 1. A word
 * of weights has two values of k in its halves: of every four, 0 and 2, then 1 and 3. In a half, the first channel's
 * weight is the low byte and the second's the high byte (`plain`), or the half is first + 256 * second (`mixed`), and
 * likewise the second bias. With `mixed` a channel may have its weights, bias and multiplier negated. */
typedef struct {
    const int32_t *weights;
    int32_t k; /* products per output, padded with zeros to a multiple of 4; at least 4 */
    int32_t out_c;
    int32_t zero_point;      /* for `mixed_double` twice that, plus 1 */
    const int32_t *mantissa; /* the rest is for kernels that end in a rounding: NULL and 0 in others */
    const int8_t *shift;
    int32_t qmin, qmax;
} eq_gemm_dsp;

#endif
