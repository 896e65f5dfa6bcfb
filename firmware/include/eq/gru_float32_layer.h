/* Gated recurrent units of float32 vectors: what is the same with every function for products. */
#ifndef EQ_GRU_FLOAT32_LAYER_H
#define EQ_GRU_FLOAT32_LAYER_H

#include <string.h>

#include "eq/float32.h"
#include "eq/gru_float32.h"

/* sums[k] plus a bias, if there are biases. */
static inline float eq_gru_biased(const float *sums, const float *bias, int32_t k)
{
    return sums[k] + (bias ? bias[k] : 0.0f);
}

/* One step of one sample; `hidden` (units) changes. */
static inline void eq_gru_step(const eq_gru_float32_params *p, const float *x, float *hidden, float *given,
                               eq_product *product)
{
    const int32_t units = p->units;
    float *const own = given + 3 * units, *const let = own + 3 * units, *const scratch = let + units;
    product(&p->weights, x, given, scratch);
    product(&p->recurrent, hidden, own, scratch);
    for (int32_t k = 0; k < 2 * units; k++) {
        const float z = eq_gru_biased(given, p->bias, k) + eq_gru_biased(own, p->recurrent_bias, k);
        own[k] = eq_sigmoid(eq_within(z, -p->clip, p->clip));
    }
    for (int32_t u = 0; u < units; u++) {
        let[u] = p->reset_after ? hidden[u] : own[units + u] * hidden[u];
    }
    product(&p->candidate, let, own + 2 * units, scratch);
    for (int32_t u = 0; u < units; u++) {
        const float sum = eq_gru_biased(own, p->recurrent_bias, 2 * units + u);
        const float made = p->reset_after ? own[units + u] * sum : sum;
        const float z = eq_gru_biased(given, p->bias, 2 * units + u) + made;
        const float n = eq_tanh(eq_within(z, -p->clip, p->clip));
        const float taken = (1.0f - own[u]) * n, kept = own[u] * hidden[u];
        hidden[u] = eq_number(taken + kept);
    }
}

/* The whole layer, with a function for products. */
static inline void eq_gru_float32_layer(const eq_gru_float32_params *p, const float *const *inputs, float *sequence,
                                        float *hidden, void *scratch, eq_product *product)
{
    const float *x = *inputs++;
    memcpy(hidden, p->initial_hidden ? p->initial_hidden : *inputs, (size_t)(p->batch * p->units) * sizeof *hidden);
    for (int32_t b = 0; b < p->batch; b++) {
        for (int32_t k = 0; k < p->steps; k++) {
            const int32_t t = p->reverse ? p->steps - 1 - k : k;
            eq_gru_step(p, x + t * p->in_c, hidden, scratch, product);
            memcpy(sequence + t * p->units, hidden, (size_t)p->units * sizeof *hidden);
        }
        x += p->steps * p->in_c;
        sequence += p->steps * p->units;
        hidden += p->units;
    }
}

#endif
