/* LSTM on Armv6-M and Armv7-M, whose products differ. */
#ifndef EQ_THUMB_LSTM_H
#define EQ_THUMB_LSTM_H

#include <string.h>

#include "eq/exp16_table.h"
#include "eq/lstm_thumb.h"
#include "eq/thumb_fours.h"

EQ_FLATTEN int32_t eq_thumb_sigmoid(const eq_lstm_thumb_params *p, int32_t x, eq_rounding rounding)
{
    return rounding == EQ_FAST ? eq_interpolate16(p->sigmoid, x) : eq_table_logistic16(p->exp, x);
}

/* x / 2^exponent, halves away from zero, for |x| below 2^31 - 2^exponent. */
EQ_FLATTEN int32_t eq_thumb_divided(int32_t x, int32_t exponent)
{
    return (x + (x >> 31) + (1 << (exponent - 1))) >> exponent;
}

/* What a unit's gates make of its cell. */
EQ_FLATTEN int32_t eq_thumb_next_cell(const eq_lstm_thumb_params *p, int32_t cell, const int32_t *z,
                                      eq_rounding rounding)
{
    const int32_t i = eq_thumb_sigmoid(p, z[0], rounding), f = eq_thumb_sigmoid(p, z[1], rounding);
    int32_t next;
    if (rounding == EQ_FAST) {
        const int32_t g = eq_interpolate16(p->tanh, z[2]);
        next = (f * cell + ((i * g) >> (15 - p->cell_bits)) + (1 << 14)) >> 15;
    } else {
        const int32_t g = eq_table_tanh16(p->exp, z[2], 15 - EQ_GATE_FRACTION_BITS);
        next = eq_thumb_divided(f * cell, 15) + eq_thumb_divided(i * g, 30 - p->cell_bits);
    }
    next = eq_thumb_saturate16(next);
    return p->cell_clip ? eq_clamp(next, -p->cell_clip, p->cell_clip) : next;
}

EQ_FLATTEN int8_t eq_thumb_next_hidden(const eq_lstm_thumb_params *p, int32_t cell, int32_t o, eq_thumb_core core,
                                       eq_rounding rounding)
{
    int32_t made;
    if (rounding == EQ_FAST) {
        const int32_t both = (o * eq_interpolate16(p->cell_tanh, cell) + (1 << 14)) >> 15;
        made = core.scaled(both * (1 << core.twice), p->hidden_mantissa, p->hidden_zero_point);
    } else {
        const int32_t both = o * eq_table_tanh16(p->exp, cell, 15 - p->cell_bits);
        made = eq_multiply(both, p->hidden_mantissa, p->hidden_shift, rounding) + p->hidden_zero_point;
    }
    return (int8_t)eq_clamp(made, -128, 127);
}

EQ_FLATTEN void eq_thumb_lstm(const eq_lstm_thumb_params *p, const int8_t *const *inputs, int8_t *sequence,
                              int8_t *hidden, int16_t *cell, void *scratch, eq_thumb_core core, eq_rounding rounding)
{
    const int32_t units = p->units;
    const eq_thumb_matrix given = {p->weights, p->bias, p->mantissa, p->shift, p->left, p->in_c};
    const eq_thumb_matrix own = {p->recurrent,       p->recurrent_bias, p->recurrent_mantissa,
                                 p->recurrent_shift, p->recurrent_left, units};
    int8_t *before = scratch, *after = before + units;
    const int8_t *x = *inputs++;
    const int8_t *first = p->initial_hidden ? p->initial_hidden : *inputs++;
    const void *const cells = p->initial_cell ? (const void *)p->initial_cell : (const void *)*inputs;
    memcpy(cell, cells, (size_t)(p->batch * units) * sizeof *cell);
    for (int32_t b = 0; b < p->batch; b++) {
        memcpy(before, first, (size_t)units);
        for (int32_t k = 0; k < p->steps; k++) {
            const int32_t at = p->reverse ? p->steps - 1 - k : k;
            const eq_thumb_vector row = core.take(x + at * p->in_c, p->in_c), old = core.take(before, units);
            for (int32_t u = 0; u < units; u++) {
                int32_t z[4], more[4];
                eq_thumb_four_products(core, &given, 4 * u, &row, z, rounding);
                eq_thumb_four_products(core, &own, 4 * u, &old, more, rounding);
                for (int32_t i = 0; i < 4; i++) {
                    z[i] = eq_thumb_saturate16(eq_thumb_saturate16(z[i]) + more[i]);
                }
                const int32_t o = eq_thumb_sigmoid(p, z[3], rounding), c = eq_thumb_next_cell(p, cell[u], z, rounding);
                cell[u] = (int16_t)c;
                after[u] = eq_thumb_next_hidden(p, c, o, core, rounding);
            }
            memcpy(sequence + at * units, after, (size_t)units);
            int8_t *const free = before;
            before = after;
            after = free;
        }
        memcpy(hidden, before, (size_t)units);
        x += p->steps * p->in_c;
        first += units;
        sequence += p->steps * units;
        hidden += units;
        cell += units;
    }
}

#endif
