/* As eq/conv2d_dsp.h, with weights of 4 bits. */
#ifndef EQ_CONV2D_INT4_DSP_H
#define EQ_CONV2D_INT4_DSP_H

#include "eq/conv2d_dsp.h"
#include "eq/gemm_int4_dsp.h"

void eq_conv2d_int4_dsp_direct(const eq_conv2d_dsp_params *p, const int8_t *input, int8_t *output, void *scratch);
void eq_conv2d_int4_dsp_fast(const eq_conv2d_dsp_params *p, const int8_t *input, int8_t *output, void *scratch);
void eq_conv2d_int4_dsp_single(const eq_conv2d_dsp_params *p, const int8_t *input, int8_t *output, void *scratch);
void eq_conv2d_int4_dsp_double(const eq_conv2d_dsp_params *p, const int8_t *input, int8_t *output, void *scratch);

#endif
