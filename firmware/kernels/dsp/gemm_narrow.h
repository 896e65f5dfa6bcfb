/* The micro-kernels of gemm.h for weights of 2 bits and of 1. */
#ifndef EQ_DSP_GEMM_NARROW_H
#define EQ_DSP_GEMM_NARROW_H

#include "gemm.h"

/* As eq_dsp_gemm_plain and those that end in a rounding; for the weights' layout see eq/gemm_narrow_dsp.h. k is a
 * multiple of 8, with 1 bit of 16; beyond a pixel's values x has zeros. */
void eq_dsp_gemm_int2_direct(const eq_gemm_dsp *g, const int32_t *x, int8_t *out, int32_t stride);
void eq_dsp_gemm_int2_fast(const eq_gemm_dsp *g, const int32_t *x, int8_t *out, int32_t stride);
void eq_dsp_gemm_int2_single(const eq_gemm_dsp *g, const int32_t *x, int8_t *out, int32_t stride);
void eq_dsp_gemm_int2_double(const eq_gemm_dsp *g, const int32_t *x, int8_t *out, int32_t stride);
void eq_dsp_gemm_binary_direct(const eq_gemm_dsp *g, const int32_t *x, int8_t *out, int32_t stride);
void eq_dsp_gemm_binary_fast(const eq_gemm_dsp *g, const int32_t *x, int8_t *out, int32_t stride);
void eq_dsp_gemm_binary_single(const eq_gemm_dsp *g, const int32_t *x, int8_t *out, int32_t stride);
void eq_dsp_gemm_binary_double(const eq_gemm_dsp *g, const int32_t *x, int8_t *out, int32_t stride);

/* X(name) for each of either. */
#define EQ_DSP_FOR_EACH_GEMM_NARROW(X) X(direct) X(fast) X(single) X(double)

#endif
