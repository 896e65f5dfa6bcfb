/* Sums of float32 products, four at a time. Each of the four is added up by itself, one product after the other: what
 * order they are computed in makes no difference to any of them, so that vectors of four give the same bits. */
#ifndef EQ_LANES_FLOAT32_H
#define EQ_LANES_FLOAT32_H

#include <stdint.h>

#include "eq/float32.h"

#define EQ_LANES 4

/* Adds input[k] times each of the four weights [k] to the totals, for k = 0 ... count - 1. */
static inline void eq_add_products(const float *input, const float *weights, int32_t count, float *total)
{
    float a = total[0], b = total[1], c = total[2], d = total[3];
    for (int32_t k = 0; k < count; k++, weights += EQ_LANES) {
        const float x = input[k];
        const float pa = x * weights[0], pb = x * weights[1], pc = x * weights[2], pd = x * weights[3];
        a = a + pa;
        b = b + pb;
        c = c + pc;
        d = d + pd;
    }
    total[0] = a;
    total[1] = b;
    total[2] = c;
    total[3] = d;
}

/* Stores up to four totals, plus their biases if there are any, within the bounds. */
static inline void eq_store_lanes(const float *total, const float *bias, int32_t count, float low, float high,
                                  float *output)
{
    for (int32_t lane = 0; lane < count; lane++) {
        output[lane] = eq_within(total[lane] + (bias ? bias[lane] : 0.0f), low, high);
    }
}

#endif
