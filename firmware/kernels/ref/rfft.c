#include "butterflies.h"

static void transform(const eq_rfft_params *p, int32_t radix, const int16_t *input, int16_t *x)
{
    const int32_t half = p->half;
    int32_t source = 0;
    for (int32_t k = 0; k < half; k++) {
        x[2 * k] = 2 * source < p->size ? input[2 * source] : 0;
        x[2 * k + 1] = 2 * source + 1 < p->size ? input[2 * source + 1] : 0;
        if (k + 1 < half) {
            source = following(source, half, radix);
        }
    }
    stages(p, radix, x);
}

/* The spectrum of pairs as that of the samples, in place. */
static void separate(const eq_rfft_params *p, int16_t *x)
{
    const int32_t half = p->half;
    const int32_t a = rounded(x[0] * DIVIDE_BY_2), b = rounded(x[1] * DIVIDE_BY_2);
    x[0] = (int16_t)(a + b);
    x[1] = 0;
    x[2 * half] = (int16_t)(a - b);
    x[2 * half + 1] = 0;
    for (int32_t k = 1; k <= half / 2; k++) {
        int16_t *const here = x + 2 * k, *const there = x + 2 * (half - k);
        const int16_t *const twiddle = p->super_twiddles + 2 * (k - 1);
        const int32_t here_a = rounded(here[0] * DIVIDE_BY_2), here_b = rounded(here[1] * DIVIDE_BY_2);
        const int32_t there_a = rounded(there[0] * DIVIDE_BY_2);
        const int32_t there_b = rounded((int16_t)-there[1] * DIVIDE_BY_2);
        const int32_t even_a = (int16_t)(here_a + there_a), even_b = (int16_t)(here_b + there_b);
        const int32_t less_a = (int16_t)(here_a - there_a), less_b = (int16_t)(here_b - there_b);
        const int32_t odd_a = rounded(less_a * twiddle[0] - less_b * twiddle[1]);
        const int32_t odd_b = rounded(less_a * twiddle[1] + less_b * twiddle[0]);
        here[0] = (int16_t)((even_a + odd_a) >> 1);
        here[1] = (int16_t)((even_b + odd_b) >> 1);
        there[0] = (int16_t)((even_a - odd_a) >> 1);
        there[1] = (int16_t)((odd_b - even_b) >> 1);
    }
}

void eq_rfft_ref(const eq_rfft_params *p, const int16_t *input, int16_t *output)
{
    const int32_t radix = first_radix(p->half);
    for (int32_t row = 0; row < p->rows; row++) {
        transform(p, radix, input, output);
        separate(p, output);
        input += p->size;
        output += 2 * (p->half + 1);
    }
}
