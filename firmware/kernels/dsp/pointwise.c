#include "eq/pointwise_dsp.h"
#include "gemm.h"

EQ_INLINE void pointwise(const eq_pointwise_dsp_params *p, const int8_t *input, int8_t *output, void *scratch,
                         eq_dsp_gemm *gemm)
{
    int32_t *const x = scratch;
    int8_t *const spare = (int8_t *)scratch + 6 * p->gemm.k;
    for (int32_t left = p->pixels; left > 0; left -= 3) {
        const int32_t valid = left < 3 ? left : 3;
        const int8_t *const second = valid > 1 ? input + p->in_c : input;
        const int8_t *const third = valid > 2 ? second + p->in_c : second;
        eq_dsp_widen(input, second, third, p->in_c, x);
        eq_dsp_store(gemm, &p->gemm, x, valid, output, spare);
        input = third + p->in_c;
        output += 3 * p->gemm.out_c;
    }
}

#define DEFINE(suffix)                                                                                                 \
    void eq_pointwise_dsp_##suffix(const eq_pointwise_dsp_params *p, const int8_t *input, int8_t *output,              \
                                   void *scratch)                                                                      \
    {                                                                                                                  \
        pointwise(p, input, output, scratch, eq_dsp_gemm_##suffix);                                                    \
    }
EQ_DSP_FOR_EACH_GEMM(DEFINE)
DEFINE(mixed_single)
