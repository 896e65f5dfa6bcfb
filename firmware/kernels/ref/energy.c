#include "eq/signal.h"

void eq_energy_ref(const eq_energy_params *p, const int16_t *input, int32_t *output)
{
    for (int32_t row = 0; row < p->rows; row++) {
        for (int32_t k = 0; k < p->bins; k++) {
            const int32_t real = input[2 * k], imaginary = input[2 * k + 1];
            const uint32_t sum = (uint32_t)(real * real) + (uint32_t)(imaginary * imaginary);
            output[k] = k >= p->start && k < p->end ? (int32_t)sum : 0;
        }
        input += 2 * p->bins;
        output += p->bins;
    }
}
