/* Products of float32 rows as integers of 8 bits, whose step is found at run time, with stored integer weights. */
#ifndef EQ_DYNAMIC_H
#define EQ_DYNAMIC_H

#include <stdint.h>

#include "eq/float32.h"
#include "eq/packed.h"
#include "eq/stored.h"

/* Writes a row as integers -127 ... 127; returns their step. */
static inline float eq_in_steps(const float *row, int32_t count, int8_t *integers)
{
    float greatest = 0.0f;
    for (int32_t k = 0; k < count; k++) {
        const float magnitude = row[k] < 0.0f ? -row[k] : row[k];
        greatest = magnitude > greatest ? magnitude : greatest;
    }
    const float step = eq_quotient(greatest, 127.0f);
    for (int32_t k = 0; k < count; k++) {
        const float steps = step > 0.0f ? eq_bounded(eq_quotient(row[k], step), -127.0f, 127.0f) : 0.0f;
        integers[k] = (int8_t)eq_to_nearest(steps);
    }
    return step;
}

/* The products of some integers with the weights from `index` on. */
static inline int32_t eq_dynamic_products(const eq_stored *weights, int32_t index, const int8_t *integers,
                                          int32_t count)
{
    int32_t sum = 0;
    if (weights->bits == 8) {
        const int8_t *elements = (const int8_t *)weights->elements + index;
        for (int32_t k = 0; k < count; k++) {
            sum += integers[k] * elements[k];
        }
        return sum;
    }
    for (int32_t k = 0; k < count; k++) {
        sum += integers[k] * eq_packed(weights->elements, index + k, weights->bits);
    }
    return sum;
}

/* The sum of products of integers with a row of weights: that of a group is scaled, and added to those before. */
static inline float eq_dynamic_sum(const eq_stored *weights, int32_t row, const int8_t *integers)
{
    const int32_t depth = weights->depth, group = weights->group;
    const float *scale = weights->scales + row * ((depth + group - 1) / group);
    float total = 0.0f;
    for (int32_t start = 0; start < depth; start += group) {
        const int32_t count = depth - start < group ? depth - start : group;
        const float scaled =
            (float)eq_dynamic_products(weights, row * depth + start, integers + start, count) * *scale++;
        total = total + scaled;
    }
    return total;
}

/* Those of all rows, of bytes, with the DSP extension. */
void eq_dynamic_sums_dsp(const eq_stored *weights, int32_t rows, const int8_t *integers, float *sums);

#endif
