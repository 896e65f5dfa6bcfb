/* The micro-kernels of gemm.h for weights of 4 bits. */
#ifndef EQ_DSP_GEMM_INT4_H
#define EQ_DSP_GEMM_INT4_H

#include "gemm.h"

/* As eq_dsp_gemm_plain and those that end in a rounding; for the weights' layout see eq/gemm_int4_dsp.h. */
void eq_dsp_gemm_int4_direct(const eq_gemm_dsp *g, const int32_t *x, int8_t *out, int32_t stride);
void eq_dsp_gemm_int4_fast(const eq_gemm_dsp *g, const int32_t *x, int8_t *out, int32_t stride);
void eq_dsp_gemm_int4_single(const eq_gemm_dsp *g, const int32_t *x, int8_t *out, int32_t stride);
void eq_dsp_gemm_int4_double(const eq_gemm_dsp *g, const int32_t *x, int8_t *out, int32_t stride);

/* X(name) for each of them. */
#define EQ_DSP_FOR_EACH_GEMM_INT4(X) X(direct) X(fast) X(single) X(double)

#endif
