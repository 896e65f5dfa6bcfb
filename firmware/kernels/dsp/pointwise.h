/* Pixels in threes times a matrix, whose weights the micro-kernel knows. */
#ifndef EQ_DSP_POINTWISE_H
#define EQ_DSP_POINTWISE_H

#include "eq/pointwise_dsp.h"
#include "gemm.h"

EQ_INLINE void eq_dsp_pointwise(const eq_pointwise_dsp_params *p, const int8_t *input, int8_t *output, void *scratch,
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

#endif
