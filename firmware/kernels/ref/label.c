#include "eq/label.h"

void eq_label_ref(const eq_label_params *p, const int32_t *input, int32_t *output)
{
    for (int32_t row = 0; row < p->rows; row++) {
        int32_t best = 0;
        for (int32_t k = 1; k < p->count; k++) {
            if (input[k] > input[best]) {
                best = k;
            }
        }
        *output++ = p->labels ? p->labels[best] : best;
        input += p->count;
    }
}
