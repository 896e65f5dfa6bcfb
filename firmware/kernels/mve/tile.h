/* What functions for all output channels of three pixels are made of. */
#ifndef EQ_MVE_TILE_H
#define EQ_MVE_TILE_H

#include "conv_tile.h"

/* As eq_gemm. */
typedef void eq_gemm_function(eq_gemm_kind kind, const eq_pixels *x, const int8_t *w, const int32_t *bias, int32_t *to);

/* The channels that make no block. */
EQ_INLINE void eq_tile_tail(eq_gemm_function *multiply, const eq_matrix *m, const eq_pixels *x, const eq_finish *f,
                            int8_t *out, int32_t *sums, eq_rounding rounding)
{
    const int32_t left = m->channels % EQ_BLOCK, done = m->channels - left;
    if (left > 0) {
        const eq_pixels few = {x->x0, x->x1, x->x2, x->count, (left + 1) / 2};
        const eq_finish g = {f->count, f->step, left, f->zero_point, f->qmin, f->qmax};
        multiply(m->gemm, &few, m->weights + done / EQ_BLOCK * m->block, m->bias + done, sums);
        eq_finish_few(sums, m->multiplier + done, eq_shift_at(m->shift, done, rounding), out + done, &g, rounding);
    }
}

EQ_INLINE void eq_tile_channels(eq_gemm_function *multiply, const eq_matrix *m, const eq_pixels *x, int8_t *out,
                                int32_t count, eq_rounding rounding)
{
    int32_t sums[EQ_SUMS];
    eq_finish f;
    const eq_finish *all = &m->finish;
    if (count < EQ_TILE) {
        f = *all;
        f.count = count;
        all = &f;
    }
    const int8_t *w = m->weights;
    for (int32_t c = 0; c + EQ_BLOCK <= m->channels; c += EQ_BLOCK, w += m->block) {
        multiply(m->gemm, x, w, m->bias + c, sums);
        eq_finish_blocks(sums, m->multiplier + c, eq_shift_at(m->shift, c, rounding), out + c, all, rounding);
    }
    eq_tile_tail(multiply, m, x, all, out, sums, rounding);
}

#endif
