#include "eq/signal.h"

void eq_signal_stack_ref(const eq_signal_stack_params *p, const int16_t *kept, const int16_t *input,
                         const int32_t *count, int16_t *output)
{
    for (int32_t first = 0; first < p->kept; first += p->size, kept += p->size) {
        const int16_t *const from = *count ? kept : input;
        for (int32_t k = 0; k < p->size; k++) {
            *output++ = from[k];
        }
    }
    for (int32_t k = 0; k < p->size; k++) {
        *output++ = input[k];
    }
}
