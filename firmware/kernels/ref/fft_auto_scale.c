#include "eq/signal.h"

void eq_fft_auto_scale_ref(const eq_fft_auto_scale_params *p, const int16_t *input, int16_t *output, int32_t *bits)
{
    for (int32_t row = 0; row < p->rows; row++) {
        int16_t greatest = 0;
        for (int32_t k = 0; k < p->size; k++) {
            const int32_t value = input[k];
            if (value > greatest) {
                greatest = (int16_t)value;
            } else if (-value > greatest) {
                greatest = (int16_t)-value; /* that of -32768 is itself */
            }
        }
        const int32_t shift = greatest > 0 ? 15 - (int32_t)eq_most_significant_bit((uint32_t)greatest) : 0;
        for (int32_t k = 0; k < p->size; k++) {
            output[k] = (int16_t)(input[k] * (1 << shift));
        }
        bits[row] = shift;
        input += p->size;
        output += p->size;
    }
}
