/* LSTM on Armv6-M and Armv7-M, whose products differ. */
#ifndef EQ_THUMB_LSTM_H
#define EQ_THUMB_LSTM_H

#include <string.h>

#include "eq/lstm_thumb.h"
#include "eq/thumb_fours.h"

/* What a unit's gates make of its cell. */
EQ_FLATTEN int32_t eq_thumb_next_cell(const eq_lstm_thumb_params *p, int32_t cell, const int32_t *z)
{
    const int32_t i = eq_interpolate16(p->sigmoid, z[0]), f = eq_interpolate16(p->sigmoid, z[1]);
    const int32_t g = eq_interpolate16(p->tanh, z[2]);
    const int32_t next = eq_thumb_saturate16((f * cell + ((i * g) >> (15 - p->cell_bits)) + (1 << 14)) >> 15);
    return p->cell_clip ? eq_clamp(next, -p->cell_clip, p->cell_clip) : next;
}

EQ_FLATTEN void eq_thumb_lstm(const eq_lstm_thumb_params *p, const int8_t *const *inputs, int8_t *sequence,
                              int8_t *hidden, int16_t *cell, void *scratch, eq_thumb_core core)
{
    const int32_t units = p->units;
    const eq_thumb_matrix given = {p->weights, p->bias, p->mantissa, NULL, p->left, p->in_c};
    const eq_thumb_matrix own = {p->recurrent, p->recurrent_bias, p->recurrent_mantissa,
                                 NULL,         p->recurrent_left, units};
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
                eq_thumb_four_products(core, &given, 4 * u, &row, z, EQ_FAST);
                eq_thumb_four_products(core, &own, 4 * u, &old, more, EQ_FAST);
                for (int32_t i = 0; i < 4; i++) {
                    z[i] = eq_thumb_saturate16(eq_thumb_saturate16(z[i]) + more[i]);
                }
                const int32_t c = eq_thumb_next_cell(p, cell[u], z), o = eq_interpolate16(p->sigmoid, z[3]);
                const int32_t both = (o * eq_interpolate16(p->cell_tanh, c) + (1 << 14)) >> 15;
                cell[u] = (int16_t)c;
                after[u] = (int8_t)eq_clamp(
                    core.scaled(both * (1 << core.twice), p->hidden_mantissa, p->hidden_zero_point), -128, 127);
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
