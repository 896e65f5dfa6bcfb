#include "conv2d.h"
#include "eq/conv2d_dsp.h"

#define DEFINE(suffix)                                                                                                 \
    void eq_conv2d_dsp_##suffix(const eq_conv2d_dsp_params *p, const int8_t *input, int8_t *output, void *scratch)     \
    {                                                                                                                  \
        eq_dsp_conv2d(p, input, output, scratch, eq_dsp_gemm_##suffix);                                                \
    }
EQ_DSP_FOR_EACH_GEMM(DEFINE)
