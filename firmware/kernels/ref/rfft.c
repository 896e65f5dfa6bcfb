#include "eq/signal.h"

#define DIVIDE_BY_2 16383
#define DIVIDE_BY_4 8191

/* A product of two 16-bit numbers, or a sum of two of them, as one 16-bit number. */
static inline int32_t rounded(int32_t x)
{
    return (int16_t)((x + (1 << 14)) >> 15);
}

/* Real and imaginary part of a value that is divided, and multiplied with a twiddle. */
static inline void turn(const int16_t *x, int32_t divide, const int16_t *twiddle, int32_t *real, int32_t *imaginary)
{
    const int32_t a = rounded(x[0] * divide), b = rounded(x[1] * divide);
    *real = rounded(a * twiddle[0] - b * twiddle[1]);
    *imaginary = rounded(a * twiddle[1] + b * twiddle[0]);
}

/* Where the value that comes after the one from `source` is, in the order in which the first stage reads pairs. */
static inline int32_t following(int32_t source, int32_t half, int32_t radix)
{
    int32_t top = half, stride = half / radix;
    for (;;) {
        source += stride;
        if (source < top || stride == 1) {
            return source;
        }
        source -= top;
        top = stride;
        stride /= 4;
    }
}

static void radix2(int16_t *x, const int16_t *twiddles)
{
    int32_t real, imaginary;
    turn(x + 2, DIVIDE_BY_2, twiddles, &real, &imaginary);
    const int32_t a = rounded(x[0] * DIVIDE_BY_2), b = rounded(x[1] * DIVIDE_BY_2);
    x[0] = (int16_t)(a + real);
    x[1] = (int16_t)(b + imaginary);
    x[2] = (int16_t)(a - real);
    x[3] = (int16_t)(b - imaginary);
}

/* Four transforms of length m, one after the other, to one of length 4 * m. Twiddles of it are `step` apart. */
static void radix4(int16_t *x, int32_t m, int32_t step, const int16_t *twiddles)
{
    const int16_t *first = twiddles, *second = twiddles, *third = twiddles;
    for (int32_t k = 0; k < m; k++) {
        int16_t *const x1 = x + 2 * m, *const x2 = x + 4 * m, *const x3 = x + 6 * m;
        int32_t real1, imaginary1, real2, imaginary2, real3, imaginary3;
        turn(x1, DIVIDE_BY_4, first, &real1, &imaginary1);
        turn(x2, DIVIDE_BY_4, second, &real2, &imaginary2);
        turn(x3, DIVIDE_BY_4, third, &real3, &imaginary3);
        const int32_t a = rounded(x[0] * DIVIDE_BY_4), b = rounded(x[1] * DIVIDE_BY_4);
        const int32_t sum_a = a + real2, sum_b = b + imaginary2, less_a = a - real2, less_b = b - imaginary2;
        const int32_t both_a = real1 + real3, both_b = imaginary1 + imaginary3;
        const int32_t other_a = real1 - real3, other_b = imaginary1 - imaginary3;
        x[0] = (int16_t)(sum_a + both_a);
        x[1] = (int16_t)(sum_b + both_b);
        x1[0] = (int16_t)(less_a + other_b);
        x1[1] = (int16_t)(less_b - other_a);
        x2[0] = (int16_t)(sum_a - both_a);
        x2[1] = (int16_t)(sum_b - both_b);
        x3[0] = (int16_t)(less_a - other_b);
        x3[1] = (int16_t)(less_b + other_a);
        x += 2;
        first += 2 * step;
        second += 4 * step;
        third += 6 * step;
    }
}

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
    int32_t m = 1;
    if (radix == 2) {
        for (int32_t k = 0; k < half; k += 2) {
            radix2(x + 2 * k, p->twiddles);
        }
        m = 2;
    }
    for (; m < half; m *= 4) {
        for (int32_t k = 0; k < half; k += 4 * m) {
            radix4(x + 2 * k, m, half / (4 * m), p->twiddles);
        }
    }
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
    int32_t radix = p->half;
    while (radix > 4) {
        radix /= 4;
    }
    for (int32_t row = 0; row < p->rows; row++) {
        transform(p, radix, input, output);
        separate(p, output);
        input += p->size;
        output += 2 * (p->half + 1);
    }
}
