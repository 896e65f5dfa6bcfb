#include "eq/lstm.h"

#include <string.h>

#include "eq/gates.h"
#include "eq/gemmlowp16.h"

static inline int32_t dot(const int8_t *a, const int8_t *b, int32_t count, int32_t acc)
{
    for (int32_t k = 0; k < count; k++) {
        acc += a[k] * b[k];
    }
    return acc;
}

static inline int32_t sigmoid(const eq_lstm_params *p, int32_t x, eq_rounding rounding)
{
    return rounding == EQ_FAST ? eq_interpolate16(p->sigmoid, x) : eq_logistic16(x);
}

/* A gate's pre-activation together with what the cell adds to it. */
static inline int32_t with_cell(const eq_lstm_params *p, int32_t row, int32_t unit, int32_t z, int32_t cell,
                                eq_rounding rounding)
{
    if (!p->peephole) {
        return z;
    }
    return eq_add_scaled16(z, p->peephole[row * p->units + unit] * cell, p->peephole_mantissa[row],
                           p->peephole_shift[row], rounding);
}

static inline int32_t next_cell(const eq_lstm_params *p, int32_t cell, int32_t i, int32_t f, int32_t g,
                                eq_rounding rounding)
{
    int32_t next;
    if (rounding == EQ_FAST) {
        next = (f * cell + ((i * g) >> (15 - p->cell_bits)) + (1 << 14)) >> 15;
    } else {
        next = eq_rounding_divide_by_pot(f * cell, 15) + eq_rounding_divide_by_pot(i * g, 30 - p->cell_bits);
    }
    next = eq_saturate16(next);
    return p->cell_clip ? eq_clamp(next, -p->cell_clip, p->cell_clip) : next;
}

static inline int8_t next_hidden(const eq_lstm_params *p, int32_t o, int32_t cell, eq_rounding rounding)
{
    int32_t both;
    if (rounding == EQ_FAST) {
        both = (o * eq_interpolate16(p->cell_tanh, cell) + (1 << 14)) >> 15;
    } else {
        both = o * eq_tanh16(cell, 15 - p->cell_bits);
    }
    return eq_requantize(both, p->hidden_mantissa, p->hidden_shift, p->hidden_zero_point, -128, 127, rounding);
}

/* One step of one sample; `hidden` (out_c) and `cell` (units) change. */
static inline void step(const eq_lstm_params *p, const int8_t *x, int8_t *hidden, int16_t *cell, int16_t *z,
                        int8_t *unprojected, eq_rounding rounding)
{
    const int32_t units = p->units;
    for (int32_t row = 0; row < 4 * units; row++) {
        const int32_t given = dot(x, p->weights + row * p->in_c, p->in_c, p->bias[row]);
        const int32_t own = dot(hidden, p->recurrent + row * p->out_c, p->out_c, p->recurrent_bias[row]);
        const int32_t sum = eq_add_scaled16(0, given, p->mantissa[row], p->shift[row], rounding);
        z[row] = (int16_t)eq_add_scaled16(sum, own, p->recurrent_mantissa[row], p->recurrent_shift[row], rounding);
    }
    int8_t *const made = p->projection ? unprojected : hidden;
    for (int32_t u = 0; u < units; u++) {
        const int32_t i = sigmoid(p, with_cell(p, 0, u, z[u], cell[u], rounding), rounding);
        const int32_t f = sigmoid(p, with_cell(p, 1, u, z[units + u], cell[u], rounding), rounding);
        const int32_t x_g = z[2 * units + u];
        const int32_t g =
            rounding == EQ_FAST ? eq_interpolate16(p->tanh, x_g) : eq_tanh16(x_g, 15 - EQ_GATE_FRACTION_BITS);
        const int32_t c = next_cell(p, cell[u], i, f, g, rounding);
        const int32_t o = sigmoid(p, with_cell(p, 2, u, z[3 * units + u], c, rounding), rounding);
        cell[u] = (int16_t)c;
        made[u] = next_hidden(p, o, c, rounding);
    }
    for (int32_t k = 0; p->projection && k < p->out_c; k++) {
        const int32_t acc = dot(unprojected, p->projection + k * units, units, p->projection_bias[k]);
        hidden[k] = eq_requantize(acc, p->projection_mantissa[k], p->projection_shift[k], p->zero_point, p->qmin,
                                  p->qmax, rounding);
    }
}

static inline void lstm(const eq_lstm_params *p, const int8_t *const *inputs, int8_t *sequence, int8_t *hidden,
                        int16_t *cell, void *scratch, eq_rounding rounding)
{
    int16_t *const z = scratch;
    int8_t *const unprojected = (int8_t *)(z + 4 * p->units);
    const int8_t *x = *inputs++;
    memcpy(hidden, p->initial_hidden ? p->initial_hidden : *inputs++, (size_t)(p->batch * p->out_c));
    const void *const first = p->initial_cell ? (const void *)p->initial_cell : (const void *)*inputs;
    memcpy(cell, first, (size_t)(p->batch * p->units) * sizeof *cell);
    for (int32_t b = 0; b < p->batch; b++) {
        for (int32_t k = 0; k < p->steps; k++) {
            const int32_t t = p->reverse ? p->steps - 1 - k : k;
            step(p, x + t * p->in_c, hidden, cell, z, unprojected, rounding);
            memcpy(sequence + t * p->out_c, hidden, (size_t)p->out_c);
        }
        x += p->steps * p->in_c;
        sequence += p->steps * p->out_c;
        hidden += p->out_c;
        cell += p->units;
    }
}

#define DEFINE(suffix, rounding)                                                                                       \
    void eq_lstm_ref_##suffix(const eq_lstm_params *p, const int8_t *const *inputs, int8_t *sequence, int8_t *hidden,  \
                              int16_t *cell, void *scratch)                                                            \
    {                                                                                                                  \
        lstm(p, inputs, sequence, hidden, cell, scratch, rounding);                                                    \
    }
EQ_FOR_EACH_ROUNDING(DEFINE)
