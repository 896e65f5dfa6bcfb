/* The micro-kernel of gemm.h for int16 values and weights of bytes: eight products an instruction. */
#ifndef EQ_MVE_GEMM_INT16_H
#define EQ_MVE_GEMM_INT16_H

#include "conv_tile.h"

/* As those of gemm.h, of int16 values; channels are in order. Weights: for every pair of channels and every 8 of k, the
 * first channel's 8, then the second's. */
void eq_gemm_int16_k64_mve(const eq_pixels *x, const int8_t *w, const int32_t *bias, int32_t *to); /* k is 64 */
void eq_gemm_int16_x16_mve(const eq_pixels *x, const int8_t *w, const int32_t *bias, int32_t *to); /* 16 * count */
void eq_gemm_int16_any_mve(const eq_pixels *x, const int8_t *w, const int32_t *bias, int32_t *to); /* any k */

/* EQ_GEMM_X32: 32 bytes at once. */
static inline eq_gemm_kind eq_gemm_int16_for(int32_t k)
{
    return k == 64 ? EQ_GEMM_K64 : k % 16 == 0 ? EQ_GEMM_X32 : EQ_GEMM_ANY;
}

static inline int32_t eq_gemm_int16_count(int32_t k)
{
    return eq_gemm_int16_for(k) == EQ_GEMM_X32 ? k / 16 : k;
}

static inline void eq_gemm_int16(eq_gemm_kind kind, const eq_pixels *x, const int8_t *w, const int32_t *bias,
                                 int32_t *to)
{
    if (kind == EQ_GEMM_K64) {
        eq_gemm_int16_k64_mve(x, w, bias, to);
    } else if (kind == EQ_GEMM_X32) {
        eq_gemm_int16_x16_mve(x, w, bias, to);
    } else {
        eq_gemm_int16_any_mve(x, w, bias, to);
    }
}

/* All output channels of three pixels, as those of conv_tile.h. */
void eq_conv_tile_int16_mve(const eq_matrix *m, const eq_pixels *x, int8_t *out, int32_t count);

#endif
