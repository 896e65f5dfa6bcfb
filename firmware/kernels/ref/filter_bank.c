#include "eq/signal.h"

void eq_filter_bank_ref(const eq_filter_bank_params *p, const int32_t *input, int32_t *output)
{
    for (int32_t row = 0; row < p->rows; row++) {
        uint64_t sum = 0;
        for (int32_t band = 0; band <= p->bands; band++) {
            const int32_t *const energy = input + p->starts[band];
            const uint16_t *const weights = p->weights + p->firsts[band], *const unweights =
                                                                              p->unweights + p->firsts[band];
            uint64_t next = 0;
            for (int32_t k = 0; k < p->widths[band]; k++) {
                sum += (uint64_t)(uint32_t)energy[k] * weights[k];
                next += (uint64_t)(uint32_t)energy[k] * unweights[k];
            }
            if (band) { /* what is below the first band is no band */
                *output++ = (int32_t)(uint32_t)sum;
                *output++ = (int32_t)(uint32_t)(sum >> 32);
            }
            sum = next;
        }
        input += p->bins;
    }
}
