/* Sums of products of windows and weights, in C. A file that includes this has defined eq_sixteen and eq_eight, which
 * add the products of the next taps and return where the weights go on, and possibly EQ_SIXTEENS, a faster way for
 * tiles. */
#ifndef EQ_NEON_SUMS_H
#define EQ_NEON_SUMS_H

EQ_INLINE void eq_sums(const eq_conv2d_neon_params *p, const int8_t *const *at, int64_t skip, int32_t q, int32_t pixels,
                       int32_t vectors, int32x4_t sums[][4])
{
    const int8_t *x[EQ_TILE] = {0}, *weights = p->weights + (int64_t)q * p->run * p->lines;
    EQ_UNROLL
    for (int32_t i = 0; i < pixels; i++) {
        x[i] = at[i];
        EQ_UNROLL
        for (int32_t v = 0; v < vectors; v++) {
            sums[i][v] = vld1q_s32(p->bias + q + 4 * v);
        }
    }
    for (int32_t line = 0; line < p->lines; line++) {
        int32_t k = p->run;
#ifdef EQ_SIXTEENS
        if (pixels == EQ_TILE && vectors == 4 && k >= 16) {
            EQ_SIXTEENS(sums, x, &weights, k / 16);
            k %= 16;
        }
#endif
        for (; k >= 16; k -= 16) {
            int8x16_t next[EQ_TILE];
            EQ_UNROLL
            for (int32_t i = 0; i < pixels; i++) {
                next[i] = vld1q_s8(x[i]);
                x[i] += 16;
            }
            weights = eq_sixteen(sums, next, weights, pixels, vectors);
        }
        if (k != 0) {
            int8x8_t next[EQ_TILE];
            EQ_UNROLL
            for (int32_t i = 0; i < pixels; i++) {
                next[i] = vld1_s8(x[i]);
                x[i] += 8;
            }
            weights = eq_eight(sums, next, weights, pixels, vectors);
        }
        EQ_UNROLL
        for (int32_t i = 0; i < pixels; i++) {
            x[i] += skip;
        }
    }
}

#endif
