/* Products of float32 rows as integers of 8 bits, whose step is found at run time, with stored integer weights. */
#ifndef EQ_DYNAMIC_H
#define EQ_DYNAMIC_H

#include <stdint.h>

#include "eq/float32.h"
#include "eq/packed.h"
#include "eq/stored.h"

/* Writes some numbers, `apart` places from each other, as integers -127 ... 127; returns their step. */
static inline float eq_in_steps(const float *row, int32_t apart, int32_t count, int8_t *integers)
{
    float greatest = 0.0f;
    for (int32_t k = 0; k < count; k++) {
        const float x = row[k * apart], magnitude = x < 0.0f ? -x : x;
        greatest = magnitude > greatest ? magnitude : greatest;
    }
    const float step = eq_quotient(greatest, 127.0f);
    for (int32_t k = 0; k < count; k++) {
        const float steps = step > 0.0f ? eq_bounded(eq_quotient(row[k * apart], step), -127.0f, 127.0f) : 0.0f;
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

/* Writes the sums of products of some integers with four rows of bytes, `depth` bytes from each other. */
typedef void eq_four_products(const int8_t *integers, const int8_t *bytes, int32_t depth, int32_t count, int32_t *sums);

/* Writes the sums of `rows` rows from row `first` on. */
typedef void eq_dynamic_sums(const eq_stored *weights, int32_t first, int32_t rows, const int8_t *integers,
                             float *sums);

/* Those of four rows of bytes. */
static inline void eq_dynamic_four(const eq_stored *weights, int32_t row, const int8_t *integers, float *sums,
                                   eq_four_products *four)
{
    const int32_t depth = weights->depth, group = weights->group, groups = (depth + group - 1) / group;
    const int8_t *bytes = (const int8_t *)weights->elements + row * depth;
    const float *scale = weights->scales + row * groups;
    float total[4] = {0.0f, 0.0f, 0.0f, 0.0f};
    for (int32_t start = 0; start < depth; start += group, scale++) {
        int32_t parts[4];
        four(integers + start, bytes + start, depth, depth - start < group ? depth - start : group, parts);
        for (int32_t lane = 0; lane < 4; lane++) {
            const float scaled = (float)parts[lane] * scale[lane * groups];
            total[lane] = total[lane] + scaled;
        }
    }
    for (int32_t lane = 0; lane < 4; lane++) {
        sums[lane] = total[lane];
    }
}

/* Those of all rows, of bytes four at once by a function for their products. */
static inline void eq_dynamic_by_fours(const eq_stored *weights, int32_t first, int32_t rows, const int8_t *integers,
                                       float *sums, eq_four_products *four)
{
    int32_t row = 0;
    if (weights->bits == 8) {
        for (; row + 4 <= rows; row += 4) {
            eq_dynamic_four(weights, first + row, integers, sums + row, four);
        }
    }
    for (; row < rows; row++) {
        sums[row] = eq_dynamic_sum(weights, first + row, integers);
    }
}

static inline void eq_four_products_in_c(const int8_t *integers, const int8_t *bytes, int32_t depth, int32_t count,
                                         int32_t *sums)
{
    const int8_t *wa = bytes, *wb = wa + depth, *wc = wb + depth, *wd = wc + depth;
    int32_t a = 0, b = 0, c = 0, d = 0;
    for (int32_t k = 0; k < count; k++) {
        const int32_t x = integers[k];
        a += x * wa[k];
        b += x * wb[k];
        c += x * wc[k];
        d += x * wd[k];
    }
    sums[0] = a;
    sums[1] = b;
    sums[2] = c;
    sums[3] = d;
}

/* The same as any processor computes it. */
static inline void eq_dynamic_in_c(const eq_stored *weights, int32_t first, int32_t rows, const int8_t *integers,
                                   float *sums)
{
    eq_dynamic_by_fours(weights, first, rows, integers, sums, eq_four_products_in_c);
}

#endif
