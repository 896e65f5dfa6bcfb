#include "eq/fully_connected_float32.h"

#include <stddef.h>

#include "eq/float32.h"

void eq_fully_connected_float32_ref(const eq_fully_connected_float32_params *p, const float *input, float *output)
{
    for (int32_t row = 0; row < p->rows; row++, input += p->in_c) {
        const float *weights = p->weights;
        for (int32_t c = 0; c < p->out_c; c++, weights += p->in_c) {
            float total = 0.0f;
            for (int32_t k = 0; k < p->in_c; k++) {
                const float product = input[k] * weights[k];
                total = total + product;
            }
            *output++ = eq_within(total + (p->bias != NULL ? p->bias[c] : 0.0f), p->low, p->high);
        }
    }
}
