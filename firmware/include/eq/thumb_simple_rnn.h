/* The plain recurrent layer on Armv6-M and Armv7-M, whose products differ. */
#ifndef EQ_THUMB_SIMPLE_RNN_H
#define EQ_THUMB_SIMPLE_RNN_H

#include <string.h>

#include "eq/simple_rnn_thumb.h"
#include "eq/thumb_fours.h"

EQ_FLATTEN void eq_thumb_simple_rnn(const eq_simple_rnn_thumb_params *p, const int8_t *const *inputs, int8_t *sequence,
                                    int8_t *hidden, void *scratch, eq_thumb_core core)
{
    const int32_t units = p->units, clip = p->clip;
    const eq_thumb_matrix given = {p->weights, p->bias, p->mantissa, NULL, p->left, p->in_c};
    const eq_thumb_matrix own = {p->recurrent, p->recurrent_bias, p->recurrent_mantissa,
                                 NULL,         p->recurrent_left, units};
    int8_t *before = scratch, *after = before + units;
    const int8_t *x = *inputs++, *first = p->initial_hidden ? p->initial_hidden : *inputs;
    for (int32_t b = 0; b < p->batch; b++) {
        memcpy(before, first, (size_t)units);
        for (int32_t k = 0; k < p->steps; k++) {
            const int32_t at = p->reverse ? p->steps - 1 - k : k;
            const eq_thumb_vector row = core.take(x + at * p->in_c, p->in_c), old = core.take(before, units);
            for (int32_t u = 0; u < units; u += 4) {
                int32_t z[4], more[4];
                eq_thumb_four_products(core, &given, u, &row, z, EQ_FAST);
                eq_thumb_four_products(core, &own, u, &old, more, EQ_FAST);
                for (int32_t i = 0; i < 4 && u + i < units; i++) {
                    const int32_t sum = eq_clamp(z[i] + more[i], -clip - 1, clip);
                    const int32_t value = p->table ? eq_interpolate16(p->table, sum) : sum < 0 ? 0 : sum;
                    const int32_t made = core.scaled(value * (1 << core.twice), p->hidden_mantissa, p->zero_point);
                    after[u + i] = (int8_t)eq_clamp(made, -128, 127);
                }
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
    }
}

#endif
