#include "eq/pointwise_int4_dsp.h"
#include "gemm_int4.h"
#include "pointwise.h"

#define DEFINE(suffix)                                                                                                 \
    void eq_pointwise_int4_dsp_##suffix(const eq_pointwise_dsp_params *p, const int8_t *input, int8_t *output,         \
                                        void *scratch)                                                                 \
    {                                                                                                                  \
        eq_dsp_pointwise(p, input, output, scratch, eq_dsp_gemm_int4_##suffix);                                        \
    }
EQ_DSP_FOR_EACH_GEMM_INT4(DEFINE)
