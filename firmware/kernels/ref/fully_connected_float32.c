#include "eq/fully_connected_float32.h"

#include "eq/lanes_float32.h"

void eq_fully_connected_float32_ref(const eq_fully_connected_float32_params *p, const float *input, float *output)
{
    for (int32_t row = 0; row < p->rows; row++, input += p->in_c, output += p->out_c) {
        const float *weights = p->weights;
        for (int32_t c = 0; c < p->out_c; c += EQ_LANES, weights += p->in_c * EQ_LANES) {
            const int32_t left = p->out_c - c;
            float total[EQ_LANES] = {0.0f, 0.0f, 0.0f, 0.0f};
            eq_add_products(input, weights, p->in_c, total);
            eq_store_lanes(total, p->bias ? p->bias + c : 0, left < EQ_LANES ? left : EQ_LANES, p->low, p->high,
                           output + c);
        }
    }
}
