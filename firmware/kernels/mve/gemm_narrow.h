/* Matrices whose weights have 2 bits or 1, for fully connected layers and 1x1 convolutions. */
#ifndef EQ_MVE_GEMM_NARROW_H
#define EQ_MVE_GEMM_NARROW_H

#include "conv_tile.h"

/* As eq_gemm_int4, for any k. Weights: see eq/fully_connected_mve.h. */
void eq_gemm_int2_mve(eq_gemm_kind kind, const eq_pixels *x, const int8_t *w, const int32_t *bias, int32_t *to);
void eq_gemm_binary_mve(eq_gemm_kind kind, const eq_pixels *x, const int8_t *w, const int32_t *bias, int32_t *to);

/* All output channels of three pixels, as those of conv_tile.h. */
void eq_conv_tile_int2_mve_fast(const eq_matrix *m, const eq_pixels *x, int8_t *out, int32_t count);
void eq_conv_tile_int2_mve_single(const eq_matrix *m, const eq_pixels *x, int8_t *out, int32_t count);
void eq_conv_tile_int2_mve_double(const eq_matrix *m, const eq_pixels *x, int8_t *out, int32_t count);
void eq_conv_tile_binary_mve_fast(const eq_matrix *m, const eq_pixels *x, int8_t *out, int32_t count);
void eq_conv_tile_binary_mve_single(const eq_matrix *m, const eq_pixels *x, int8_t *out, int32_t count);
void eq_conv_tile_binary_mve_double(const eq_matrix *m, const eq_pixels *x, int8_t *out, int32_t count);

#endif
