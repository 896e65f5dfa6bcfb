#include "eq/signal.h"

void eq_signal_frame_ref(const eq_signal_frame_params *p, const int16_t *kept, const int16_t *input, int16_t *output)
{
    for (int32_t row = 0; row < p->rows; row++, kept += p->kept, input += p->new) {
        for (int32_t frame = 0; frame < p->frames; frame++, output += p->size) {
            const int32_t first = p->first + frame * p->step, left = p->kept - first;
            const int32_t old = left < 0 ? 0 : left < p->size ? left : p->size;
            for (int32_t k = 0; k < old; k++) {
                output[k] = kept[first + k];
            }
            for (int32_t k = old; k < p->size; k++) {
                output[k] = input[first - p->kept + k];
            }
        }
    }
}
