#include "eq/signal.h"

void eq_overlap_add_ref(const eq_overlap_add_params *p, const int16_t *input, const int16_t *before, int16_t *output,
                        int16_t *after)
{
    for (int32_t row = 0; row < p->rows; row++) {
        for (int32_t k = 0; k < p->size; k++) {
            after[k] = before[k];
        }
        for (int32_t frame = 0; frame < p->frames; frame++) {
            for (int32_t k = 0; k < p->size; k++) {
                const int32_t sum = *input++ + after[k];
                const int16_t sample = (int16_t)(sum > INT16_MAX ? INT16_MAX : sum < INT16_MIN ? INT16_MIN : sum);
                if (k < p->step) {
                    *output++ = sample;
                } else {
                    after[k - p->step] = sample;
                }
            }
            for (int32_t k = p->size - p->step; k < p->size; k++) {
                after[k] = 0;
            }
        }
        before += p->size;
        after += p->size;
    }
}
