/* The 16-bit transform of pairs, in place. */
#ifndef EQ_BUTTERFLIES_H
#define EQ_BUTTERFLIES_H

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

static inline void radix2(int16_t *x, const int16_t *twiddles)
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
static inline void radix4(int16_t *x, int32_t m, int32_t step, const int16_t *twiddles)
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

/* Radix of the first stage. */
static inline int32_t first_radix(int32_t half)
{
    while (half > 4) {
        half /= 4;
    }
    return half;
}

/* All stages, of values in the order in which the first one reads them. */
static inline void stages(const eq_rfft_params *p, int32_t radix, int16_t *x)
{
    const int32_t half = p->half;
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

#endif
