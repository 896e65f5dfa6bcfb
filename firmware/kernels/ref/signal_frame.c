#include "eq/signal.h"

void eq_signal_frame_ref(const eq_signal_frame_params *p, const int16_t *kept, const int16_t *input, int16_t *output)
{
    for (int32_t row = 0; row < p->rows; row++) {
        for (int32_t k = 0; k < p->size; k++) {
            const int32_t at = p->first + k;
            output[k] = at < p->kept ? kept[at] : input[at - p->kept];
        }
        kept += p->kept;
        input += p->new;
        output += p->size;
    }
}
