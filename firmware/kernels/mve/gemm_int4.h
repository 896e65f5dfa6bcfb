/* The micro-kernel of gemm.h for weights of 4 bits. */
#ifndef EQ_MVE_GEMM_INT4_H
#define EQ_MVE_GEMM_INT4_H

#include "conv_tile.h"

/* As those of gemm.h. Weights: for every pair of channels and every 16 of k 16 bytes, whose low halves are the first
 * channel's weights and whose high halves are the second's. */
void eq_gemm_int4_k64_mve(const eq_pixels *x, const int8_t *w, const int32_t *bias, int32_t *to); /* k is 64 */
void eq_gemm_int4_x32_mve(const eq_pixels *x, const int8_t *w, const int32_t *bias, int32_t *to); /* k is 32 * count */
void eq_gemm_int4_any_mve(const eq_pixels *x, const int8_t *w, const int32_t *bias, int32_t *to); /* any k */

static inline eq_gemm_kind eq_gemm_int4_for(int32_t k)
{
    return k == 64 ? EQ_GEMM_K64 : k % 32 == 0 ? EQ_GEMM_X32 : EQ_GEMM_ANY;
}

static inline int32_t eq_gemm_int4_count(int32_t k)
{
    return eq_gemm_int4_for(k) == EQ_GEMM_X32 ? k / 32 : k;
}

static inline void eq_gemm_int4(eq_gemm_kind kind, const eq_pixels *x, const int8_t *w, const int32_t *bias,
                                int32_t *to)
{
    if (kind == EQ_GEMM_K64) {
        eq_gemm_int4_k64_mve(x, w, bias, to);
    } else if (kind == EQ_GEMM_X32) {
        eq_gemm_int4_x32_mve(x, w, bias, to);
    } else {
        eq_gemm_int4_any_mve(x, w, bias, to);
    }
}

/* All output channels of three pixels, as those of conv_tile.h. */
void eq_conv_tile_int4_mve_fast(const eq_matrix *m, const eq_pixels *x, int8_t *out, int32_t count);
void eq_conv_tile_int4_mve_single(const eq_matrix *m, const eq_pixels *x, int8_t *out, int32_t count);
void eq_conv_tile_int4_mve_double(const eq_matrix *m, const eq_pixels *x, int8_t *out, int32_t count);

#endif
