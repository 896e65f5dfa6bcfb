/* A fully connected layer over time, of float32 values: what is the same with every function for products. */
#ifndef EQ_SVDF_FLOAT32_LAYER_H
#define EQ_SVDF_FLOAT32_LAYER_H

#include <string.h>

#include "eq/float32.h"
#include "eq/svdf_float32.h"

static inline void eq_svdf_float32_layer(const eq_svdf_float32_params *p, const float *const *inputs, float *output,
                                         float *state, void *scratch, eq_product *product)
{
    const float *x = inputs[0], *old = p->initial ? p->initial : inputs[1];
    float *const features = scratch;
    for (int32_t b = 0; b < p->batch; b++, x += p->in_c) {
        const float *time = p->time;
        float total = 0.0f;
        product(&p->weights, x, features, features + p->filters);
        for (int32_t f = 0; f < p->filters; f++, old += p->memory, state += p->memory, time += p->memory) {
            float sum = 0.0f;
            memcpy(state, old + 1, (size_t)(p->memory - 1) * sizeof *state);
            state[p->memory - 1] = eq_number(features[f]);
            for (int32_t k = 0; k < p->memory; k++) {
                const float one = state[k] * time[k];
                sum = sum + one;
            }
            if (f % p->rank == 0) {
                total = p->bias ? p->bias[f / p->rank] : 0.0f;
            }
            total = total + sum;
            if (f % p->rank == p->rank - 1) {
                *output++ = eq_within(total, p->low, p->high);
            }
        }
    }
}

#endif
