/* The micro-kernel of the mve convolutions: three pixels by two output channels, sixteen products an instruction. */
#ifndef EQ_MVE_GEMM_H
#define EQ_MVE_GEMM_H

#include <stdint.h>

/* Channels of a block; three pixels of it are EQ_SUMS sums, pixel after pixel. */
enum { EQ_BLOCK = 16, EQ_SUMS = 3 * EQ_BLOCK };

/* Three pixels of k values each; how long they are, as eq_gemm_count says; and how many channels are computed, in
 * pairs. */
typedef struct {
    const int8_t *x0, *x1, *x2;
    int32_t count, pairs;
} eq_pixels;

/* Stores sums of the channels, two at a time, bias included: pixel p's channel c is to[EQ_BLOCK * p + c]. Weights: for
 * every pair of channels and every 16 of k, the first channel's 16, then the second's; k is filled up with zeros. */
typedef void eq_gemm(const eq_pixels *x, const int8_t *w, const int32_t *bias, int32_t *to);

eq_gemm eq_gemm_k16_mve; /* k is 1 to 16 */
eq_gemm eq_gemm_k32_mve; /* k is 17 to 32 */
eq_gemm eq_gemm_k48_mve; /* k is 48 */
eq_gemm eq_gemm_k64_mve; /* k is 64 */
eq_gemm eq_gemm_x32_mve; /* k is a multiple of 32; count: k / 32 */
eq_gemm eq_gemm_x48_mve; /* k is a multiple of 48; count: k / 48 */
eq_gemm eq_gemm_any_mve; /* any k */

/* The fastest for k. */
static inline eq_gemm *eq_gemm_for(int32_t k)
{
    if (k <= 32) {
        return k <= 16 ? eq_gemm_k16_mve : eq_gemm_k32_mve;
    }
    if (k == 48) {
        return eq_gemm_k48_mve;
    }
    if (k == 64) {
        return eq_gemm_k64_mve;
    }
    if (k % 48 == 0) {
        return eq_gemm_x48_mve;
    }
    return k % 32 == 0 ? eq_gemm_x32_mve : eq_gemm_any_mve;
}

/* What it wants to know about k. */
static inline int32_t eq_gemm_count(int32_t k)
{
    eq_gemm *const gemm = eq_gemm_for(k);
    return gemm == eq_gemm_x48_mve ? k / 48 : gemm == eq_gemm_x32_mve ? k / 32 : k;
}

#endif
