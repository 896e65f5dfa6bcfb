#include "eq/dsp.h"
#include "eq/signal_dsp.h"

void eq_energy_dsp(const eq_energy_params *p, const int16_t *input, int32_t *output)
{
    for (int32_t row = 0; row < p->rows; row++, input += 2 * p->bins, output += p->bins) {
        for (int32_t k = 0; k < p->start; k++) {
            output[k] = 0;
        }
        for (int32_t k = p->start; k < p->end; k++) {
            const int32_t value = eq_load4((const int8_t *)(input + 2 * k));
            output[k] = eq_smlad(value, value, 0);
        }
        for (int32_t k = p->end; k < p->bins; k++) {
            output[k] = 0;
        }
    }
}
