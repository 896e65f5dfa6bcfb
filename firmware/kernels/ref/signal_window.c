#include "eq/signal.h"

void eq_signal_window_ref(const eq_signal_window_params *p, const int16_t *input, int16_t *output)
{
    for (int32_t row = 0; row < p->rows; row++) {
        for (int32_t k = 0; k < p->size; k++) {
            const int32_t scaled = ((int32_t)input[k] * p->weights[k]) >> p->shift;
            output[k] = (int16_t)(scaled > INT16_MAX ? INT16_MAX : scaled < INT16_MIN ? INT16_MIN : scaled);
        }
        input += p->size;
        output += p->size;
    }
}
