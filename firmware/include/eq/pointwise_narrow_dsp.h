/* As eq/pointwise_dsp.h, with weights of 2 bits and of 1; k is a multiple of 8 or 16. */
#ifndef EQ_POINTWISE_NARROW_DSP_H
#define EQ_POINTWISE_NARROW_DSP_H

#include "eq/gemm_narrow_dsp.h"
#include "eq/pointwise_dsp.h"

void eq_pointwise_int2_dsp_direct(const eq_pointwise_dsp_params *p, const int8_t *input, int8_t *output, void *scratch);
void eq_pointwise_int2_dsp_fast(const eq_pointwise_dsp_params *p, const int8_t *input, int8_t *output, void *scratch);
void eq_pointwise_int2_dsp_single(const eq_pointwise_dsp_params *p, const int8_t *input, int8_t *output, void *scratch);
void eq_pointwise_int2_dsp_double(const eq_pointwise_dsp_params *p, const int8_t *input, int8_t *output, void *scratch);
void eq_pointwise_binary_dsp_direct(const eq_pointwise_dsp_params *p, const int8_t *input, int8_t *output,
                                    void *scratch);
void eq_pointwise_binary_dsp_fast(const eq_pointwise_dsp_params *p, const int8_t *input, int8_t *output, void *scratch);
void eq_pointwise_binary_dsp_single(const eq_pointwise_dsp_params *p, const int8_t *input, int8_t *output,
                                    void *scratch);
void eq_pointwise_binary_dsp_double(const eq_pointwise_dsp_params *p, const int8_t *input, int8_t *output,
                                    void *scratch);

#endif
