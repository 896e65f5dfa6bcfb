#include "eq/dsp.h"
#include "eq/signal_dsp.h"

void eq_signal_window_dsp(const eq_signal_window_params *p, const int16_t *input, int16_t *output)
{
    const int32_t shift = p->shift;
    for (int32_t row = 0; row < p->rows; row++) {
        const int16_t *weights = p->weights, *const end = weights + p->size;
        for (; weights < end - 1; weights += 2, input += 2, output += 2) {
            const int32_t x = eq_load4((const int8_t *)input), w = eq_load4((const int8_t *)weights);
            const int32_t bottom = eq_ssat16(eq_smulbb(x, w) >> shift), top = eq_ssat16(eq_smultt(x, w) >> shift);
            eq_store4((int8_t *)output, eq_pkhbt(bottom, top));
        }
        if (weights < end) {
            *output++ = (int16_t)eq_ssat16((*input++ * *weights) >> shift);
        }
    }
}
