#include "eq/gru_dsp.h"

#include "eq/dsp.h"
#include "eq/gates.h"
#include "inline.h"
#include "rows.h"

/* What a step reads and writes: hidden state before and after it, the same in 16 bits, the gates z and r of all units,
 * and what of the hidden state r lets through. */
typedef struct {
    int8_t *before, *after, *let;
    int16_t *fine, *z, *r;
} states;

EQ_INLINE int32_t scaled(int32_t sum, int32_t left, int32_t mantissa)
{
    return eq_ssat16(eq_smmlar((int32_t)((uint32_t)sum << left), mantissa, 0));
}

EQ_INLINE int32_t clipped(const eq_gru_dsp_params *p, int32_t z)
{
    z = eq_ssat16(z);
    return p->clip == 32767 ? z : eq_clamp(z, -p->clip - 1, p->clip);
}

EQ_INLINE int32_t narrow(const eq_gru_dsp_params *p, int32_t hidden)
{
    return eq_ssat8(eq_smmlar(hidden, p->narrow_mantissa, p->zero_point));
}

/* A gate whose sums are at k and k + 4. */
EQ_INLINE int32_t gate(const eq_gru_dsp_params *p, const int32_t *sums, const int32_t *mantissa, int32_t k)
{
    const int32_t given = scaled(sums[k], p->left, mantissa[k]);
    const int32_t own = scaled(sums[k + 4], p->recurrent_left, mantissa[k + 4]);
    return eq_interpolate16(p->sigmoid, clipped(p, given + own));
}

static inline void step(const eq_gru_dsp_params *p, eq_dsp_two_rows *t, const states *s)
{
    const int32_t units = p->units, *weights = p->weights, *mantissa = p->mantissa, *const sums = t->sums;
    for (int32_t u = 0; u < units; u += 2, mantissa += 8) {
        weights = eq_dsp_multiply_two(t, weights);
        for (int32_t k = 0; k < 2 && u + k < units; k++) {
            const int32_t r = gate(p, sums, mantissa, 2 * k + 1);
            s->z[u + k] = (int16_t)gate(p, sums, mantissa, 2 * k);
            if (p->reset_after) {
                s->r[u + k] = (int16_t)r;
            } else {
                s->let[u + k] = (int8_t)narrow(p, (r * s->fine[u + k] + (1 << 14)) >> 15);
            }
        }
    }
    if (!p->reset_after) {
        t->h = eq_dsp_row_of(s->let, (units + 3) & ~3);
    }
    for (int32_t u = 0; u < units; u += 4, mantissa += 8) {
        weights = eq_dsp_multiply_two(t, weights);
        for (int32_t k = 0; k < 4 && u + k < units; k++) {
            const int32_t given = scaled(sums[k], p->left, mantissa[k]);
            const int32_t own = scaled(sums[k + 4], p->recurrent_left, mantissa[k + 4]);
            const int32_t made = p->reset_after ? (s->r[u + k] * own + (1 << 14)) >> 15 : own;
            const int32_t n = eq_interpolate16(p->tanh, clipped(p, given + made)), z = s->z[u + k];
            const int32_t other = ((32768 - z) * n) >> (15 - p->hidden_bits);
            const int32_t next = eq_ssat16((z * s->fine[u + k] + other + (1 << 14)) >> 15);
            s->fine[u + k] = (int16_t)next;
            s->after[u + k] = (int8_t)narrow(p, next);
        }
    }
}

void eq_gru_dsp(const eq_gru_dsp_params *p, const int8_t *const *inputs, int8_t *sequence, int8_t *hidden,
                void *scratch)
{
    const int32_t units = p->units, in_c = p->in_c, wide = (units + 3) & ~3, depth = (in_c + 3) & ~3;
    states s;
    s.fine = scratch;
    s.z = s.fine + wide;
    s.r = s.z + wide;
    s.before = (int8_t *)(s.r + wide);
    s.after = s.before + wide;
    s.let = s.after + wide;
    int8_t *const row = s.let + wide;
    int32_t sums[8];
    eq_dsp_two_rows t = {.sums = sums};
    const int8_t *x = *inputs++, *first = p->initial_hidden ? p->initial_hidden : *inputs;
    memset(s.before, 0, (size_t)(3 * wide + depth));
    for (int32_t b = 0; b < p->batch; b++) {
        memcpy(s.before, first, (size_t)units);
        for (int32_t u = 0; u < units; u++) {
            const int32_t steps = s.before[u] - p->zero_point;
            s.fine[u] = (int16_t)eq_add_scaled16(0, steps, p->widen_mantissa, p->widen_shift, EQ_FAST);
        }
        for (int32_t k = 0; k < p->steps; k++) {
            const int32_t at = p->reverse ? p->steps - 1 - k : k;
            t.x = eq_dsp_row_in_fours(x + at * in_c, in_c, row);
            t.h = eq_dsp_row_of(s.before, wide);
            step(p, &t, &s);
            memcpy(sequence + at * units, s.after, (size_t)units);
            int8_t *const old = s.before;
            s.before = s.after;
            s.after = old;
        }
        memcpy(hidden, s.before, (size_t)units);
        x += p->steps * in_c;
        first += units;
        sequence += p->steps * units;
        hidden += units;
    }
}
