#include "eq/simple_rnn_dsp.h"

#include "eq/dsp.h"
#include "eq/gates.h"
#include "inline.h"
#include "rows.h"

EQ_INLINE int32_t scaled(int32_t sum, int32_t left, int32_t mantissa, int32_t to)
{
    return eq_smmlar((int32_t)((uint32_t)sum << left), mantissa, to);
}

static inline void step(const eq_simple_rnn_dsp_params *p, const eq_dsp_two_rows *t, int8_t *made)
{
    const int32_t *weights = p->weights, *mantissa = p->mantissa, *const sums = t->sums;
    for (int32_t u = 0; u < p->units; u += 4, mantissa += 8) {
        weights = eq_dsp_multiply_two(t, weights);
        for (int32_t k = 0; k < 4 && u + k < p->units; k++) {
            const int32_t given = scaled(sums[k], p->left, mantissa[k], 0);
            const int32_t sum = eq_ssat16(scaled(sums[k + 4], p->recurrent_left, mantissa[k + 4], given));
            const int32_t z = p->clip == 32767 ? sum : eq_clamp(sum, -p->clip - 1, p->clip);
            const int32_t value = p->table ? eq_interpolate16(p->table, z) : z < 0 ? 0 : z;
            made[u + k] = (int8_t)eq_ssat8(eq_smmlar(value, p->hidden_mantissa, p->zero_point));
        }
    }
}

void eq_simple_rnn_dsp(const eq_simple_rnn_dsp_params *p, const int8_t *const *inputs, int8_t *sequence, int8_t *hidden,
                       void *scratch)
{
    const int32_t units = p->units, in_c = p->in_c, wide = (units + 3) & ~3, depth = (in_c + 3) & ~3;
    int8_t *before = scratch, *after = before + wide, *const row = after + wide;
    int32_t sums[8];
    eq_dsp_two_rows t = {.sums = sums};
    const int8_t *x = *inputs++, *first = p->initial_hidden ? p->initial_hidden : *inputs;
    memset(scratch, 0, (size_t)(2 * wide + depth));
    for (int32_t b = 0; b < p->batch; b++) {
        memcpy(before, first, (size_t)units);
        for (int32_t k = 0; k < p->steps; k++) {
            const int32_t at = p->reverse ? p->steps - 1 - k : k;
            t.x = eq_dsp_row_in_fours(x + at * in_c, in_c, row);
            t.h = eq_dsp_row_of(before, wide);
            step(p, &t, after);
            memcpy(sequence + at * units, after, (size_t)units);
            int8_t *const old = before;
            before = after;
            after = old;
        }
        memcpy(hidden, before, (size_t)units);
        x += p->steps * in_c;
        first += units;
        sequence += p->steps * units;
        hidden += units;
    }
}
