/* Long short-term memory of float32 vectors: what is the same with every function for products. */
#ifndef EQ_LSTM_FLOAT32_LAYER_H
#define EQ_LSTM_FLOAT32_LAYER_H

#include <string.h>

#include "eq/float32.h"
#include "eq/lstm_float32.h"

/* A gate's pre-activation together with what the cell adds to it. */
static inline float eq_lstm_with_cell(const eq_lstm_float32_params *p, int32_t row, int32_t unit, float z, float cell)
{
    if (!p->peephole) {
        return z;
    }
    const float added = p->peephole[row * p->units + unit] * cell;
    return z + added;
}

/* The pre-activations of a step. */
static inline void eq_lstm_gates(const eq_lstm_float32_params *p, const float *x, const float *hidden, float *z,
                                 float *own, void *scratch, eq_product *product)
{
    product(&p->weights, x, z, scratch);
    product(&p->recurrent, hidden, own, scratch);
    for (int32_t row = 0; row < 4 * p->units; row++) {
        const float given = z[row] + (p->bias ? p->bias[row] : 0.0f);
        z[row] = given + own[row];
    }
}

/* One step of one sample; `hidden` (out_c) and `cell` (units) change. */
static inline void eq_lstm_step(const eq_lstm_float32_params *p, const float *x, float *hidden, float *cell, float *z,
                                eq_product *product)
{
    const int32_t units = p->units;
    float *const own = z + 4 * units, *const unprojected = own + 4 * units, *const scratch = unprojected + units;
    eq_lstm_gates(p, x, hidden, z, own, scratch, product);
    float *const made = p->projection.rows ? unprojected : hidden;
    for (int32_t u = 0; u < units; u++) {
        const float i = eq_sigmoid(eq_lstm_with_cell(p, 0, u, z[u], cell[u]));
        const float f = eq_sigmoid(eq_lstm_with_cell(p, 1, u, z[units + u], cell[u]));
        const float kept = f * cell[u], added = i * eq_tanh(z[2 * units + u]);
        cell[u] = eq_within(kept + added, -p->cell_clip, p->cell_clip);
        const float o = eq_sigmoid(eq_lstm_with_cell(p, 2, u, z[3 * units + u], cell[u]));
        made[u] = eq_number(o * eq_tanh(cell[u]));
    }
    if (p->projection.rows) {
        product(&p->projection, unprojected, hidden, scratch);
        for (int32_t k = 0; k < p->out_c; k++) {
            const float sum = hidden[k] + (p->projection_bias ? p->projection_bias[k] : 0.0f);
            hidden[k] = eq_within(sum, -p->projection_clip, p->projection_clip);
        }
    }
}

/* The whole layer, with a function for products. */
static inline void eq_lstm_float32_layer(const eq_lstm_float32_params *p, const float *const *inputs, float *sequence,
                                         float *hidden, float *cell, void *scratch, eq_product *product)
{
    const float *x = *inputs++;
    memcpy(hidden, p->initial_hidden ? p->initial_hidden : *inputs++, (size_t)(p->batch * p->out_c) * sizeof *hidden);
    memcpy(cell, p->initial_cell ? p->initial_cell : *inputs, (size_t)(p->batch * p->units) * sizeof *cell);
    for (int32_t b = 0; b < p->batch; b++) {
        for (int32_t k = 0; k < p->steps; k++) {
            const int32_t t = p->reverse ? p->steps - 1 - k : k;
            eq_lstm_step(p, x + t * p->in_c, hidden, cell, scratch, product);
            memcpy(sequence + t * p->out_c, hidden, (size_t)p->out_c * sizeof *hidden);
        }
        x += p->steps * p->in_c;
        sequence += p->steps * p->out_c;
        hidden += p->out_c;
        cell += p->units;
    }
}

#endif
