/* Spectra of samples of the type SAMPLE, which is defined where this is included. */
#ifndef EQ_SPECTRA_H
#define EQ_SPECTRA_H

#include "eq/butterfly_order.h"
#include "eq/float32.h"
#include "eq/spectrum.h"

/* A sample of a frame, weighted. */
static inline float weighted(const eq_spectrum_params *p, const SAMPLE *input, int32_t k)
{
    return k < p->window ? (float)input[k] * p->weights[k] : 0.0f;
}

typedef struct {
    float a, b; /* real and imaginary part */
} value;

static inline value turned(const float *x, const float *twiddle)
{
    const value y = {x[0] * twiddle[0] - x[1] * twiddle[1], x[0] * twiddle[1] + x[1] * twiddle[0]};
    return y;
}

static inline void put(float *x, float a, float b)
{
    x[0] = a;
    x[1] = b;
}

/* A transform of length 4 of what stands `quarter` values apart. */
static inline void butterfly(float *x, int32_t quarter, value x0, value x1, value x2, value x3)
{
    const float sum_a = x0.a + x2.a, sum_b = x0.b + x2.b, less_a = x0.a - x2.a, less_b = x0.b - x2.b;
    const float both_a = x1.a + x3.a, both_b = x1.b + x3.b, other_a = x1.a - x3.a, other_b = x1.b - x3.b;
    put(x, sum_a + both_a, sum_b + both_b);
    put(x + 2 * quarter, less_a + other_b, less_b - other_a);
    put(x + 4 * quarter, sum_a - both_a, sum_b - both_b);
    put(x + 6 * quarter, less_a - other_b, less_b + other_a);
}

static inline value at(const float *x)
{
    const value y = {x[0], x[1]};
    return y;
}

static inline value pair(const eq_spectrum_params *p, const SAMPLE *input, int32_t k)
{
    const value y = {weighted(p, input, 2 * k), weighted(p, input, 2 * k + 1)};
    return y;
}

/* The first stage, which reads pairs of samples in an order of its own; returns the length of its transforms. */
static inline int32_t first_stage(const eq_spectrum_params *p, const SAMPLE *input, float *x)
{
    int32_t power = p->half, source = 0;
    while (power > 4) {
        power /= 4;
    }
    const int32_t count = p->half / power;
    for (int32_t k = 0; k < count; k++, x += 2 * power) {
        const value x0 = pair(p, input, source), x1 = pair(p, input, source + count);
        if (power == 2) {
            put(x, x0.a + x1.a, x0.b + x1.b);
            put(x + 2, x0.a - x1.a, x0.b - x1.b);
        } else {
            butterfly(x, 1, x0, x1, pair(p, input, source + 2 * count), pair(p, input, source + 3 * count));
        }
        source = eq_following(source, count);
    }
    return power;
}

/* Four transforms of length m, one after the other, to one of length 4 * m, for all of them. */
static inline const float *stage(float *x, int32_t half, int32_t m, const float *twiddles)
{
    for (float *block = x; block < x + 2 * half; block += 8 * m) {
        butterfly(block, m, at(block), at(block + 2 * m), at(block + 4 * m), at(block + 6 * m));
        const float *twiddle = twiddles;
        for (float *y = block + 2; y < block + 2 * m; y += 2, twiddle += 6) {
            butterfly(y, m, at(y), turned(y + 2 * m, twiddle), turned(y + 4 * m, twiddle + 2),
                      turned(y + 6 * m, twiddle + 4));
        }
    }
    return twiddles + 6 * (m - 1);
}

/* A value of the spectrum, or its size in place of the real part. */
static inline void finish(float *x, float a, float b, int32_t power)
{
    if (power == 0) {
        put(x, a, b);
        return;
    }
    const float square = a * a + b * b;
    x[0] = power == 1 ? eq_sqrt(square) : square;
}

/* The spectrum of pairs as that of samples, in place; of values that nobody needs neither. */
static inline void join(const eq_spectrum_params *p, float *x, int32_t power)
{
    const int32_t half = p->half;
    const float a = x[0], b = x[1], *twiddle = p->joining;
    finish(x, 2.0f * (a + b), 0.0f, power);
    finish(x + 2 * half, 2.0f * (a - b), 0.0f, power);
    float *here = x + 2, *there = x + 2 * (half - 1);
    for (int32_t k = 1; k <= half / 2; k++, here += 2, there -= 2, twiddle += 2) {
        const float even_a = here[0] + there[0], even_b = here[1] - there[1];
        const float odd[2] = {here[1] + there[1], there[0] - here[0]};
        const value y = turned(odd, twiddle);
        if (half - k < p->bins) {
            finish(there, even_a - y.a, y.b - even_b, power);
        }
        finish(here, even_a + y.a, even_b + y.b, power);
    }
}

static inline float *store(const eq_spectrum_params *p, const float *x, float *output)
{
    const float *weight = p->band_weights;
    for (int32_t band = 0; band < p->bands; band++) {
        float total = 0.0f;
        const float *bin = x + 2 * p->starts[band], *const end = bin + 2 * p->widths[band];
        for (; bin < end; bin += 2) {
            const float product = *bin * *weight++;
            total = total + product;
        }
        *output++ = eq_number(total);
    }
    if (p->bands == 0) {
        const int32_t step = p->power ? 2 : 1;
        for (const float *const end = x + 2 * p->bins; x < end; x += step) {
            *output++ = eq_number(*x);
        }
    }
    return output;
}

/* All stages but the first, which made transforms of length m, and what follows them. */
static inline void finished(const eq_spectrum_params *p, int32_t m, float *x)
{
    for (const float *twiddles = p->twiddles; m < p->half; m *= 4) {
        twiddles = stage(x, p->half, m, twiddles);
    }
    if (p->power == 1) {
        join(p, x, 1);
    } else if (p->power == 2) {
        join(p, x, 2);
    } else {
        join(p, x, 0);
    }
}

/* Of all frames of all axes. */
static inline void spectra(const eq_spectrum_params *p, const SAMPLE *input, float *output, float *x)
{
    SAMPLE *const own = (SAMPLE *)(x + 2 * p->half + 2); /* samples of one of several axes */
    for (int32_t row = 0; row < p->rows; row++, input += p->samples * p->axes) {
        for (int32_t axis = 0; axis < p->axes; axis++) {
            for (int32_t k = 0; k < p->frames; k++) {
                const SAMPLE *const first = input + axis + k * p->step * p->axes;
                for (int32_t i = 0; p->axes > 1 && i < p->window; i++) {
                    own[i] = first[i * p->axes];
                }
                finished(p, first_stage(p, p->axes > 1 ? own : first, x), x);
                output = store(p, x, output);
            }
        }
    }
}

#endif
