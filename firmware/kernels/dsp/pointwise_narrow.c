#include "eq/pointwise_narrow_dsp.h"
#include "gemm_narrow.h"
#include "pointwise.h"

/* What is widened of a pixel ends at a multiple of four values; zeros stay behind it. */
static void clear(const eq_pointwise_dsp_params *p, void *scratch)
{
    const int32_t end = 6 * p->gemm.k, written = 6 * ((p->in_c + 3) & ~3);
    memset((int8_t *)scratch + written, 0, (size_t)(end - written));
}

#define DEFINE_INT2(suffix)                                                                                            \
    void eq_pointwise_int2_dsp_##suffix(const eq_pointwise_dsp_params *p, const int8_t *input, int8_t *output,         \
                                        void *scratch)                                                                 \
    {                                                                                                                  \
        clear(p, scratch);                                                                                             \
        eq_dsp_pointwise(p, input, output, scratch, eq_dsp_gemm_int2_##suffix);                                        \
    }
#define DEFINE_BINARY(suffix)                                                                                          \
    void eq_pointwise_binary_dsp_##suffix(const eq_pointwise_dsp_params *p, const int8_t *input, int8_t *output,       \
                                          void *scratch)                                                               \
    {                                                                                                                  \
        clear(p, scratch);                                                                                             \
        eq_dsp_pointwise(p, input, output, scratch, eq_dsp_gemm_binary_##suffix);                                      \
    }
EQ_DSP_FOR_EACH_GEMM_NARROW(DEFINE_INT2)
EQ_DSP_FOR_EACH_GEMM_NARROW(DEFINE_BINARY)
