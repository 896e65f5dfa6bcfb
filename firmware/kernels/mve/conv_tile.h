/* All output channels of three pixels. */
#ifndef EQ_MVE_CONV_TILE_H
#define EQ_MVE_CONV_TILE_H

#include "finish.h"
#include "gemm.h"

/* Output pixels computed at once. */
enum { EQ_TILE = 3 };

/* A matrix of weights and what is done with its sums; see eq/conv2d_mve.h. */
typedef struct {
    eq_gemm_kind gemm;
    const int8_t *weights;
    int32_t block; /* bytes of weights of 16 channels */
    const int32_t *bias, *multiplier, *shift;
    int32_t channels;
    eq_finish finish; /* of a whole block of a whole tile */
} eq_matrix;

/* A matrix from the members of a struct of parameters, with k columns, which are bytes of values of `size`. Its weights
 * have so many bits. */
#define EQ_MATRIX(p, k, kind, bits, size)                                                                              \
    {                                                                                                                  \
        .gemm = kind, .weights = (p)->weights, .block = ((k) + 15) / 16 * 16 * EQ_BLOCK / 8 * (bits) / (size),         \
        .bias = (p)->bias, .multiplier = (p)->multiplier, .shift = (p)->shift, .channels = (p)->out_c,                 \
        .finish = {EQ_TILE, (p)->out_c * (size), EQ_BLOCK, (p)->zero_point, (p)->qmin, (p)->qmax}                      \
    }

/* Each writes the first `count` of three pixels, which say that they want a whole block of channels. */
void eq_conv_tile_mve_fast(const eq_matrix *m, const eq_pixels *x, int8_t *out, int32_t count);
void eq_conv_tile_mve_single(const eq_matrix *m, const eq_pixels *x, int8_t *out, int32_t count);
void eq_conv_tile_mve_double(const eq_matrix *m, const eq_pixels *x, int8_t *out, int32_t count);

/* One of these. */
typedef void eq_conv_tile(const eq_matrix *m, const eq_pixels *x, int8_t *out, int32_t count);

#endif
