#include "eq/dsp.h"
#include "eq/signal_dsp.h"

/* The greatest absolute value, where -32768 has none: what comes before it is forgotten. */
static int32_t one_by_one(const int16_t *input, int32_t size)
{
    int16_t greatest = 0;
    for (int32_t k = 0; k < size; k++) {
        const int32_t value = input[k];
        if (value > greatest) {
            greatest = (int16_t)value;
        } else if (-value > greatest) {
            greatest = (int16_t)-value; /* that of -32768 is itself */
        }
    }
    return greatest;
}

static int32_t greatest_of(const int16_t *input, int32_t size)
{
    int32_t most = 0, least = 0;
    for (int32_t k = 0; k + 1 < size; k += 2) {
        const int32_t pair = eq_load4((const int8_t *)(input + k));
        most = eq_smax16(most, pair);
        least = eq_smin16(least, pair);
    }
    if (size & 1) {
        const int32_t last = eq_pkhbt(input[size - 1], 0);
        most = eq_smax16(most, last);
        least = eq_smin16(least, last);
    }
    const int32_t low = (int16_t)least < least >> 16 ? (int16_t)least : least >> 16;
    const int32_t high = (int16_t)most > most >> 16 ? (int16_t)most : most >> 16;
    return low == INT16_MIN ? one_by_one(input, size) : -low > high ? -low : high;
}

void eq_fft_auto_scale_dsp(const eq_fft_auto_scale_params *p, const int16_t *input, int16_t *output, int32_t *bits)
{
    for (int32_t row = 0; row < p->rows; row++, input += p->size, output += p->size) {
        const int32_t greatest = greatest_of(input, p->size);
        const int32_t shift = greatest > 0 ? 15 - (int32_t)eq_most_significant_bit((uint32_t)greatest) : 0;
        for (int32_t k = 0; k + 1 < p->size; k += 2) {
            const uint32_t pair = (uint32_t)eq_load4((const int8_t *)(input + k));
            const uint32_t bottom = pair << shift, top = (pair & 0xffff0000U) << shift;
            eq_store4((int8_t *)(output + k), eq_halves((int32_t)bottom, (int32_t)top));
        }
        if (p->size & 1) {
            output[p->size - 1] = (int16_t)(input[p->size - 1] * (1 << shift));
        }
        bits[row] = shift;
    }
}
