#include "eq/gru_mve.h"

#include <string.h>

#include "dense.h"
#include "eq/gates.h"
#include "eq/mve.h"
#include "gates.h"

/* Sums of a step, of the input and of the hidden state, of its gates and of its candidate; what the reset gate is, or
 * lets through; the hidden state in 16 bits. */
typedef struct {
    int32_t *given, *gates, *candidate;
    int16_t *reset, *fine;
    int8_t *let;
} states;

EQ_INLINE eq_s32x4 clipped(const eq_gru_mve_params *p, eq_s32x4 z)
{
    return eq_min_s32(eq_max_s32(z, eq_dup_s32(-p->clip - 1)), eq_dup_s32(p->clip));
}

/* Sums of the input times their factors; `at`: the first of four rows. */
EQ_INLINE eq_s32x4 given_at(const eq_gru_mve_params *p, const states *s, int32_t at)
{
    return eq_clamp16_s32(eq_scaled_s32(s->given + at, p->left, p->mantissa + at));
}

EQ_INLINE eq_s32x4 gate(const eq_gru_mve_params *p, const states *s, int32_t at)
{
    const eq_s32x4 own = eq_clamp16_s32(eq_scaled_s32(s->gates + at, p->recurrent_left, p->recurrent_mantissa + at));
    return eq_interpolate_s32(p->sigmoid, clipped(p, eq_add_s32(given_at(p, s, at), own)));
}

/* round(a * b / 2^15) */
EQ_INLINE eq_s32x4 product(eq_s32x4 a, eq_s32x4 b)
{
    return eq_shift_s32(eq_add_scalar_s32(eq_multiply_s32(a, b), 1 << 14), -15);
}

static void make_resets(const eq_gru_mve_params *p, const states *s)
{
    const int32_t units = p->units;
    for (int32_t u = 0; u < units; u += LANES) {
        const eq_s32x4 r = gate(p, s, units + u);
        if (p->reset_after) {
            eq_store_s32_to_s16_n(s->reset + u, r, units - u);
        } else {
            const eq_s32x4 let = product(r, eq_load_s16_to_s32_n(s->fine + u, units - u));
            eq_store_s32_to_s8_n(s->let + u, eq_narrow_hidden(let, p->narrow_mantissa, p->zero_point), units - u);
        }
    }
}

static void make_hidden(const eq_gru_mve_params *p, const states *s, int8_t *hidden)
{
    const int32_t units = p->units, *const mantissa = p->recurrent_mantissa + 2 * units;
    for (int32_t u = 0; u < units; u += LANES) {
        const eq_s32x4 own = eq_clamp16_s32(eq_scaled_s32(s->candidate + u, p->recurrent_left, mantissa + u));
        const eq_s32x4 made = p->reset_after ? product(eq_load_s16_to_s32_n(s->reset + u, units - u), own) : own;
        const eq_s32x4 sum = eq_add_s32(given_at(p, s, 2 * units + u), made);
        const eq_s32x4 n = eq_interpolate_s32(p->tanh, clipped(p, sum)), z = gate(p, s, u);
        const eq_s32x4 rest = eq_subtract_s32(eq_dup_s32(32768), z);
        const eq_s32x4 other = eq_shift_s32(eq_multiply_s32(rest, n), p->hidden_bits - 15);
        const eq_s32x4 kept = eq_multiply_s32(z, eq_load_s16_to_s32_n(s->fine + u, units - u));
        const eq_s32x4 both = eq_add_scalar_s32(eq_add_s32(kept, other), 1 << 14);
        const eq_s32x4 next = eq_clamp16_s32(eq_shift_s32(both, -15));
        eq_store_s32_to_s16_n(s->fine + u, next, units - u);
        eq_store_s32_to_s8_n(hidden + u, eq_narrow_hidden(next, p->narrow_mantissa, p->zero_point), units - u);
    }
}

static int32_t groups_of(int32_t rows)
{
    return (rows + GROUP - 1) / GROUP;
}

void eq_gru_mve(const eq_gru_mve_params *p, const int8_t *const *inputs, int8_t *sequence, int8_t *hidden,
                void *scratch)
{
    const int32_t units = p->units, in_c = p->in_c;
    states s;
    s.given = scratch;
    s.gates = s.given + groups_of(3 * units) * GROUP + LANES;
    s.candidate = s.gates + groups_of(2 * units) * GROUP + LANES;
    int32_t *const end = s.candidate + groups_of(units) * GROUP + LANES;
    s.reset = (int16_t *)end;
    s.fine = s.reset + units;
    s.let = (int8_t *)(s.fine + units);
    const int8_t *x = *inputs++;
    memset(scratch, 0, (size_t)(end - s.given) * sizeof *end);
    memcpy(hidden, p->initial_hidden ? p->initial_hidden : *inputs, (size_t)(p->batch * units));
    for (int32_t b = 0; b < p->batch; b++) {
        for (int32_t u = 0; u < units; u++) {
            const int32_t steps = hidden[u] - p->zero_point;
            s.fine[u] = (int16_t)eq_add_scaled16(0, steps, p->widen_mantissa, p->widen_shift, EQ_FAST);
        }
        for (int32_t k = 0; k < p->steps; k++) {
            const int32_t at = p->reverse ? p->steps - 1 - k : k;
            const eq_row row = {x + at * in_c, in_c, groups_of(3 * units)};
            const eq_row before = {hidden, units, groups_of(2 * units)};
            const eq_row seen = {p->reset_after ? hidden : s.let, units, groups_of(units)};
            eq_multiply_row(&row, p->weights, p->bias, s.given);
            eq_multiply_row(&before, p->gates, p->gates_bias, s.gates);
            make_resets(p, &s);
            eq_multiply_row(&seen, p->candidate, p->candidate_bias, s.candidate);
            make_hidden(p, &s, hidden);
            memcpy(sequence + at * units, hidden, (size_t)units);
        }
        x += p->steps * in_c;
        sequence += p->steps * units;
        hidden += units;
    }
}
