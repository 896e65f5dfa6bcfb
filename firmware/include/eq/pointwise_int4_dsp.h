/* As eq/pointwise_dsp.h, with weights of 4 bits. */
#ifndef EQ_POINTWISE_INT4_DSP_H
#define EQ_POINTWISE_INT4_DSP_H

#include "eq/gemm_int4_dsp.h"
#include "eq/pointwise_dsp.h"

void eq_pointwise_int4_dsp_direct(const eq_pointwise_dsp_params *p, const int8_t *input, int8_t *output, void *scratch);
void eq_pointwise_int4_dsp_fast(const eq_pointwise_dsp_params *p, const int8_t *input, int8_t *output, void *scratch);
void eq_pointwise_int4_dsp_single(const eq_pointwise_dsp_params *p, const int8_t *input, int8_t *output, void *scratch);
void eq_pointwise_int4_dsp_double(const eq_pointwise_dsp_params *p, const int8_t *input, int8_t *output, void *scratch);

#endif
