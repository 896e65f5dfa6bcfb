/* Every pixel, or row, of the input times one constant matrix: 1x1 convolutions, and fully connected layers of several
 * rows. */
#ifndef EQ_POINTWISE_DSP_H
#define EQ_POINTWISE_DSP_H

#include "eq/gemm_dsp.h"

typedef struct {
    eq_gemm_dsp gemm;
    int32_t pixels, in_c;
} eq_pointwise_dsp_params;

/* scratch: three widened pixels, 6 * k bytes; and three outputs, 3 * out_c, if pixels % 3 is 2. */
void eq_pointwise_dsp_mixed(const eq_pointwise_dsp_params *p, const int8_t *input, int8_t *output, void *scratch);
void eq_pointwise_dsp_plain(const eq_pointwise_dsp_params *p, const int8_t *input, int8_t *output, void *scratch);
void eq_pointwise_dsp_mixed_single(const eq_pointwise_dsp_params *p, const int8_t *input, int8_t *output,
                                   void *scratch);
void eq_pointwise_dsp_mixed_double(const eq_pointwise_dsp_params *p, const int8_t *input, int8_t *output,
                                   void *scratch);
void eq_pointwise_dsp_fast(const eq_pointwise_dsp_params *p, const int8_t *input, int8_t *output, void *scratch);
void eq_pointwise_dsp_single(const eq_pointwise_dsp_params *p, const int8_t *input, int8_t *output, void *scratch);
void eq_pointwise_dsp_double(const eq_pointwise_dsp_params *p, const int8_t *input, int8_t *output, void *scratch);

#endif
