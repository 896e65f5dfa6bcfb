/* The micro-kernels of the dsp convolutions: three pixels by two output channels. Six accumulators leave room for three
 * pixels and two words of weights to be loaded by one instruction each. */
#ifndef EQ_DSP_GEMM_H
#define EQ_DSP_GEMM_H

#include "eq/dsp.h"
#include "eq/gemm_dsp.h"
#include "inline.h"

/* Widens three pixels of n values for the functions below: of every four values of a pixel the pair (0, 2) of each
 * pixel, then the pair (1, 3) of each; zeros fill up to four. Returns the end of what it wrote. */
int32_t *eq_dsp_widen(const int8_t *p0, const int8_t *p1, const int8_t *p2, int32_t n, int32_t *to);

/* Rows of three windows: the first one of each, and what the next one is away. */
typedef struct {
    const int8_t *at[3];
    int32_t step[3];
} eq_dsp_rows;

/* The same for several rows of whole words, neither being 0. */
int32_t *eq_dsp_widen_rows(const eq_dsp_rows *from, int32_t words, int32_t rows, int32_t *to);

/* All output channels of the three pixels that eq_dsp_widen wrote to x; pixel i goes to out + i * stride.
 *
 * mixed, plain: fast rounding with multipliers below 2^31 as they are packed (twice those of eq_multiply), clamped to
 * int8 only. With mixed weights the second channel's accumulator is 256 times its own plus the first channel's, modulo
 * 2^32, which saves unpacking it; its own has to fit into 24 bits.
 * mixed_single, mixed_double: mixed weights, the other roundings with shifts to the right as eq_gemm_dsp says, clamped
 * to int8 only. */
void eq_dsp_gemm_mixed(const eq_gemm_dsp *g, const int32_t *x, int8_t *out, int32_t stride);
void eq_dsp_gemm_plain(const eq_gemm_dsp *g, const int32_t *x, int8_t *out, int32_t stride);
void eq_dsp_gemm_mixed_single(const eq_gemm_dsp *g, const int32_t *x, int8_t *out, int32_t stride);
void eq_dsp_gemm_mixed_double(const eq_gemm_dsp *g, const int32_t *x, int8_t *out, int32_t stride);
void eq_dsp_gemm_fast(const eq_gemm_dsp *g, const int32_t *x, int8_t *out, int32_t stride);
void eq_dsp_gemm_single(const eq_gemm_dsp *g, const int32_t *x, int8_t *out, int32_t stride);
void eq_dsp_gemm_double(const eq_gemm_dsp *g, const int32_t *x, int8_t *out, int32_t stride);

/* X(name) for each of them but mixed_single, which convolutions have no use for. */
#define EQ_DSP_FOR_EACH_GEMM(X) X(mixed) X(plain) X(mixed_double) X(fast) X(single) X(double)

typedef void eq_dsp_gemm(const eq_gemm_dsp *g, const int32_t *x, int8_t *out, int32_t stride);

/* As `gemm`, for the first `valid` pixels of x only. spare: 3 * out_c bytes, if valid is 2. */
EQ_INLINE void eq_dsp_store(eq_dsp_gemm *gemm, const eq_gemm_dsp *g, const int32_t *x, int32_t valid, int8_t *out,
                            int8_t *spare)
{
    if (g->out_c == 1) {
        int8_t pairs[6];
        gemm(g, x, pairs, 2);
        for (int32_t i = 0; i < valid; i++) {
            out[i] = pairs[2 * i];
        }
    } else if (valid == 3) {
        gemm(g, x, out, g->out_c);
    } else if (valid == 2) {
        gemm(g, x, spare, g->out_c);
        memcpy(out, spare, (size_t)(2 * g->out_c));
    } else {
        gemm(g, x, out, 0); /* three times the same pixel */
    }
}

#endif
