/* GRU on Armv6-M and Armv7-M, whose products differ. */
#ifndef EQ_THUMB_GRU_H
#define EQ_THUMB_GRU_H

#include <string.h>

#include "eq/gru_thumb.h"
#include "eq/thumb_fours.h"

/* What a step reads and writes: hidden state before and after it, the same in 16 bits, the gates z and r of all units,
 * and what of the hidden state r lets through. */
typedef struct {
    int8_t *before, *after, *let;
    int16_t *fine, *z, *r;
} eq_gru_states;

EQ_FLATTEN int8_t eq_thumb_narrow(const eq_gru_thumb_params *p, int32_t hidden, eq_thumb_core core)
{
    const int32_t x = core.scaled(hidden * (1 << core.twice), p->narrow_mantissa, p->zero_point);
    return (int8_t)eq_clamp(x, -128, 127);
}

EQ_FLATTEN void eq_thumb_gru_step(const eq_gru_thumb_params *p, const int8_t *x, const eq_gru_states *s,
                                  eq_thumb_core core)
{
    const int32_t units = p->units, candidates = (2 * units + 3) & ~3, clip = p->clip;
    const eq_thumb_matrix given = {p->weights, p->bias, p->mantissa, NULL, p->left, p->in_c};
    const eq_thumb_matrix own = {p->recurrent, p->recurrent_bias, p->recurrent_mantissa,
                                 NULL,         p->recurrent_left, units};
    const eq_thumb_vector row = core.take(x, p->in_c);
    eq_thumb_vector seen = core.take(s->before, units);
    int32_t first[4], second[4];
    for (int32_t u = 0; u < units; u += 2) {
        eq_thumb_four_products(core, &given, 2 * u, &row, first, EQ_FAST);
        eq_thumb_four_products(core, &own, 2 * u, &seen, second, EQ_FAST);
        for (int32_t k = 0; k < 4; k++) {
            const int32_t sum = eq_thumb_saturate16(first[k]) + eq_thumb_saturate16(second[k]);
            first[k] = eq_interpolate16(p->sigmoid, eq_clamp(sum, -clip - 1, clip));
        }
        for (int32_t k = 0; k < 2 && u + k < units; k++) {
            const int32_t r = first[2 * k + 1];
            s->z[u + k] = (int16_t)first[2 * k];
            if (p->reset_after) {
                s->r[u + k] = (int16_t)r;
            } else {
                s->let[u + k] = eq_thumb_narrow(p, (r * s->fine[u + k] + (1 << 14)) >> 15, core);
            }
        }
    }
    if (!p->reset_after) {
        seen = core.take(s->let, units);
    }
    for (int32_t u = 0; u < units; u += 4) {
        eq_thumb_four_products(core, &given, candidates + u, &row, first, EQ_FAST);
        eq_thumb_four_products(core, &own, candidates + u, &seen, second, EQ_FAST);
        for (int32_t k = 0; k < 4 && u + k < units; k++) {
            int32_t made = eq_thumb_saturate16(second[k]);
            made = p->reset_after ? (s->r[u + k] * made + (1 << 14)) >> 15 : made;
            const int32_t sum = eq_thumb_saturate16(first[k]) + made, z = s->z[u + k];
            const int32_t n = eq_interpolate16(p->tanh, eq_clamp(sum, -clip - 1, clip));
            const int32_t other = ((32768 - z) * n) >> (15 - p->hidden_bits);
            const int32_t next = eq_thumb_saturate16((z * s->fine[u + k] + other + (1 << 14)) >> 15);
            s->fine[u + k] = (int16_t)next;
            s->after[u + k] = eq_thumb_narrow(p, next, core);
        }
    }
}

EQ_FLATTEN void eq_thumb_gru(const eq_gru_thumb_params *p, const int8_t *const *inputs, int8_t *sequence,
                             int8_t *hidden, void *scratch, eq_thumb_core core)
{
    const int32_t units = p->units;
    eq_gru_states s;
    s.fine = scratch;
    s.z = s.fine + units;
    s.r = s.z + units;
    s.before = (int8_t *)(s.r + units);
    s.after = s.before + units;
    s.let = s.after + units;
    const int8_t *x = *inputs++, *first = p->initial_hidden ? p->initial_hidden : *inputs;
    for (int32_t b = 0; b < p->batch; b++) {
        memcpy(s.before, first, (size_t)units);
        for (int32_t u = 0; u < units; u++) {
            const int32_t steps = s.before[u] - p->zero_point;
            s.fine[u] = (int16_t)eq_add_scaled16(0, steps, p->widen_mantissa, p->widen_shift, EQ_FAST);
        }
        for (int32_t k = 0; k < p->steps; k++) {
            const int32_t at = p->reverse ? p->steps - 1 - k : k;
            eq_thumb_gru_step(p, x + at * p->in_c, &s, core);
            memcpy(sequence + at * units, s.after, (size_t)units);
            int8_t *const free = s.before;
            s.before = s.after;
            s.after = free;
        }
        memcpy(hidden, s.before, (size_t)units);
        x += p->steps * p->in_c;
        first += units;
        sequence += p->steps * units;
        hidden += units;
    }
}

#endif
