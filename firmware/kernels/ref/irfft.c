#include "butterflies.h"

/* A spectrum as that of pairs of samples (half, 2). */
static void joined(const eq_irfft_params *p, const int16_t *input, int16_t *x)
{
    const int32_t half = p->half;
    x[0] = (int16_t)rounded((int16_t)(input[0] + input[2 * half]) * DIVIDE_BY_2);
    x[1] = (int16_t)rounded((int16_t)(input[0] - input[2 * half]) * DIVIDE_BY_2);
    for (int32_t k = 1; k <= half / 2; k++) {
        const int16_t *const here = input + 2 * k, *const there = input + 2 * (half - k);
        const int16_t *const twiddle = p->super_twiddles + 2 * (k - 1);
        const int32_t here_a = rounded(here[0] * DIVIDE_BY_2), here_b = rounded(here[1] * DIVIDE_BY_2);
        const int32_t there_a = rounded(there[0] * DIVIDE_BY_2);
        const int32_t there_b = rounded((int16_t)-there[1] * DIVIDE_BY_2);
        const int32_t even_a = (int16_t)(here_a + there_a), even_b = (int16_t)(here_b + there_b);
        const int32_t less_a = (int16_t)(here_a - there_a), less_b = (int16_t)(here_b - there_b);
        const int32_t odd_a = rounded(less_a * twiddle[0] + less_b * twiddle[1]);
        const int32_t odd_b = rounded(less_b * twiddle[0] - less_a * twiddle[1]);
        x[2 * k] = (int16_t)(even_a + odd_a);
        x[2 * k + 1] = (int16_t)(even_b + odd_b);
        x[2 * (half - k)] = (int16_t)(even_a - odd_a);
        x[2 * (half - k) + 1] = (int16_t)-(int16_t)(even_b - odd_b);
    }
}

void eq_irfft_ref(const eq_irfft_params *p, const int16_t *input, int16_t *output, void *scratch)
{
    const int32_t half = p->half, radix = first_radix(half);
    int16_t *const values = scratch;
    for (int32_t row = 0; row < p->rows; row++, input += 2 * (half + 1), output += 2 * half) {
        joined(p, input, values);
        for (int32_t k = 0, source = 0; k < half; k++) { /* with parts exchanged, the transform is the inverse one */
            output[2 * k] = values[2 * source + 1];
            output[2 * k + 1] = values[2 * source];
            if (k + 1 < half) {
                source = following(source, half, radix);
            }
        }
        stages(p, radix, output);
        for (int32_t k = 0; k < half; k++) {
            const int16_t real = output[2 * k + 1];
            output[2 * k + 1] = output[2 * k];
            output[2 * k] = real;
        }
    }
}
