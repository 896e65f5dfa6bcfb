/* A plain recurrent layer of float32 vectors: what is the same with every function for products. */
#ifndef EQ_SIMPLE_RNN_FLOAT32_LAYER_H
#define EQ_SIMPLE_RNN_FLOAT32_LAYER_H

#include <string.h>

#include "eq/float32.h"
#include "eq/simple_rnn_float32.h"

static inline float eq_simple_rnn_activated(int32_t function, float x)
{
    return eq_number(function == 0 ? eq_tanh(x) : function == 1 ? eq_sigmoid(x) : x < 0.0f ? 0.0f : x);
}

/* One step of one sample; `hidden` (units) changes. */
static inline void eq_simple_rnn_step(const eq_simple_rnn_float32_params *p, const float *x, float *hidden,
                                      float *given, eq_product *product)
{
    float *const own = given + p->units, *const scratch = own + p->units;
    product(&p->weights, x, given, scratch);
    product(&p->recurrent, hidden, own, scratch);
    for (int32_t u = 0; u < p->units; u++) {
        const float z = (given[u] + (p->bias ? p->bias[u] : 0.0f)) + own[u];
        hidden[u] = eq_simple_rnn_activated(p->function, eq_within(z, -p->clip, p->clip));
    }
}

/* The whole layer, with a function for products. */
static inline void eq_simple_rnn_float32_layer(const eq_simple_rnn_float32_params *p, const float *const *inputs,
                                               float *sequence, float *hidden, void *scratch, eq_product *product)
{
    const float *x = *inputs++;
    memcpy(hidden, p->initial_hidden ? p->initial_hidden : *inputs, (size_t)(p->batch * p->units) * sizeof *hidden);
    for (int32_t b = 0; b < p->batch; b++) {
        for (int32_t k = 0; k < p->steps; k++) {
            const int32_t t = p->reverse ? p->steps - 1 - k : k;
            eq_simple_rnn_step(p, x + t * p->in_c, hidden, scratch, product);
            memcpy(sequence + t * p->units, hidden, (size_t)p->units * sizeof *hidden);
        }
        x += p->steps * p->in_c;
        sequence += p->steps * p->units;
        hidden += p->units;
    }
}

#endif
