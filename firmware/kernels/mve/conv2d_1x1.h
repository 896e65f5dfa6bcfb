/* 1x1, no padding: the pixels are read where they are. */
#ifndef EQ_MVE_CONV2D_1X1_H
#define EQ_MVE_CONV2D_1X1_H

#include "conv_tile.h"
#include "eq/conv2d_mve.h"

/* tile: multiplies `kind` of matrices, whose columns it counts so, by weights of `bits` bits. What is said to be
 * channels of the input are their bytes; values have `size`. */
EQ_INLINE void eq_mve_conv2d_1x1(const eq_conv2d_mve_params *p, const int8_t *input, int8_t *output, eq_conv_tile *tile,
                                 eq_gemm_kind kind, int32_t count, int32_t bits, int32_t size)
{
    const int32_t k = p->in_c;
    const eq_matrix m = EQ_MATRIX(p, k, kind, bits, size);
    const int32_t right = p->stride_w * k;
    /* From behind the last pixel of an output row to the first of the next. */
    const int32_t down = p->stride_h * p->in_w * k - p->out_w * right;
    const int32_t width = p->out_w, pixels = p->out_h * width;
    for (int32_t n = 0; n < p->batch; n++, input += p->in_h * p->in_w * k) {
        const int8_t *at = input;
        int32_t row = width;
        for (int32_t left = pixels; left > 0; left -= EQ_TILE) {
            eq_pixels x = {at, at, at, count, EQ_BLOCK / 2};
            if (row > EQ_TILE) {
                x.x1 = at + right;
                x.x2 = x.x1 + right;
                at = x.x2 + right;
                row -= EQ_TILE;
            } else {
                const int8_t **const each[EQ_TILE] = {&x.x0, &x.x1, &x.x2};
                for (int32_t i = 0; i < EQ_TILE && i < left; i++) {
                    *each[i] = at;
                    at += right;
                    if (--row == 0) {
                        row = width;
                        at += down;
                    }
                }
            }
            tile(&m, &x, output, left < EQ_TILE ? left : EQ_TILE);
            output += EQ_TILE * m.finish.step;
        }
        output += (pixels - (pixels + EQ_TILE - 1) / EQ_TILE * EQ_TILE) * m.finish.step;
    }
}

#endif
