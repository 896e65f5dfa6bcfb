#include "eq/lstm_dsp.h"

#include <string.h>

#include "eq/dsp.h"
#include "eq/exp16_table.h"
#include "eq/gates.h"
#include "inline.h"
#include "requant.h"
#include "rows.h"

EQ_INLINE int32_t left(int32_t x, int32_t shift)
{
    return (int32_t)((uint32_t)x << shift);
}

/* eq_multiply for double. The mantissa is doubled modulo 2^32, which takes acc * 2^32 off; `shift` is how far to shift
 * to the right but for the last bit, or, where the factor is 1/2 at least, to the left, its bits inverted. */
EQ_INLINE int32_t twice_rounded(int32_t acc, int32_t mantissa, int32_t shift)
{
    if (shift < 0) {
        const int32_t x = left(acc, ~shift);
        return eq_smmlar(x, mantissa, x);
    }
    const int32_t high = eq_smmlar(acc, mantissa, acc);
    return (((high + (high >> 31)) >> shift) + 1) >> 1;
}

/* eq_rounding_divide_by_pot of what is below 2^30; half: half of 2^exponent. */
EQ_INLINE int32_t divided(int32_t x, int32_t half, int32_t exponent)
{
    return (x + (x >> 31) + half) >> exponent;
}

/* The pre-activation of a gate of a unit: eight factors at `mantissa` and `shift`. */
EQ_INLINE int32_t gate(const eq_lstm_dsp_params *p, const int32_t *sums, const int32_t *mantissa, const int8_t *shift,
                       int32_t k, eq_rounding rounding)
{
    if (rounding == EQ_FAST) {
        const int32_t given = eq_ssat16(eq_smmlar(left(sums[k], p->left), mantissa[k], 0));
        return eq_ssat16(eq_smmlar(left(sums[k + 4], p->recurrent_left), mantissa[k + 4], given));
    }
    const int32_t given = eq_ssat16(twice_rounded(sums[k], mantissa[k], shift[k]));
    return eq_ssat16(given + twice_rounded(sums[k + 4], mantissa[k + 4], shift[k + 4]));
}

EQ_INLINE int32_t sigmoid(const eq_lstm_dsp_params *p, int32_t x, eq_rounding rounding)
{
    return rounding == EQ_FAST ? eq_interpolate16(p->sigmoid, x) : eq_table_logistic16(p->exp, x);
}

EQ_INLINE int32_t next_cell(const eq_lstm_dsp_params *p, int32_t cell, int32_t i, int32_t f, int32_t g,
                            eq_rounding rounding)
{
    int32_t next;
    if (rounding == EQ_FAST) {
        next = (f * cell + ((i * g) >> (15 - p->cell_bits)) + (1 << 14)) >> 15;
    } else {
        const int32_t right = 30 - p->cell_bits;
        next = divided(f * cell, 1 << 14, 15) + divided(i * g, 1 << (right - 1), right);
    }
    next = eq_ssat16(next);
    return p->cell_clip ? eq_clamp(next, -p->cell_clip, p->cell_clip) : next;
}

EQ_INLINE int8_t next_hidden(const eq_lstm_dsp_params *p, int32_t o, int32_t cell, eq_rounding rounding)
{
    if (rounding == EQ_FAST) {
        const int32_t both = (o * eq_interpolate16(p->cell_tanh, cell) + (1 << 14)) >> 15;
        return (int8_t)eq_ssat8(eq_smmlar(both, p->hidden_mantissa, p->hidden_zero_point));
    }
    const int32_t both = o * eq_table_tanh16(p->exp, cell, 15 - p->cell_bits);
    return eq_dsp_requantize(both, p->hidden_mantissa, p->hidden_shift, p->hidden_zero_point, -128, 127, rounding);
}

EQ_INLINE void step(const eq_lstm_dsp_params *p, const eq_dsp_two_rows *t, int8_t *made, int16_t *cell,
                    eq_rounding rounding)
{
    const int32_t *weights = p->weights, *mantissa = p->mantissa;
    const int8_t *shift = p->shift;
    for (int32_t u = 0; u < p->units; u++, mantissa += 8) {
        weights = eq_dsp_multiply_two(t, weights);
        const int32_t i = sigmoid(p, gate(p, t->sums, mantissa, shift, 0, rounding), rounding);
        const int32_t f = sigmoid(p, gate(p, t->sums, mantissa, shift, 1, rounding), rounding);
        const int32_t x_g = gate(p, t->sums, mantissa, shift, 2, rounding);
        const int32_t g = rounding == EQ_FAST ? eq_interpolate16(p->tanh, x_g) : eq_table_tanh16(p->exp, x_g, 3);
        const int32_t o = sigmoid(p, gate(p, t->sums, mantissa, shift, 3, rounding), rounding);
        const int32_t c = next_cell(p, cell[u], i, f, g, rounding);
        cell[u] = (int16_t)c;
        made[u] = next_hidden(p, o, c, rounding);
        shift = rounding == EQ_FAST ? shift : shift + 8;
    }
}

EQ_INLINE void lstm(const eq_lstm_dsp_params *p, const int8_t *const *inputs, int8_t *sequence, int8_t *hidden,
                    int16_t *cell, void *scratch, eq_rounding rounding)
{
    const int32_t units = p->units, in_c = p->in_c, wide = (units + 3) & ~3, depth = (in_c + 3) & ~3;
    int8_t *before = scratch, *after = before + wide, *const row = after + wide;
    int32_t sums[8];
    eq_dsp_two_rows t = {.sums = sums};
    const int8_t *x = *inputs++;
    const int8_t *first = p->initial_hidden ? p->initial_hidden : *inputs++;
    const void *const cells = p->initial_cell ? (const void *)p->initial_cell : (const void *)*inputs;
    memset(scratch, 0, (size_t)(2 * wide + depth));
    memcpy(cell, cells, (size_t)(p->batch * units) * sizeof *cell);
    for (int32_t b = 0; b < p->batch; b++) {
        memcpy(before, first, (size_t)units);
        for (int32_t k = 0; k < p->steps; k++) {
            const int32_t at = p->reverse ? p->steps - 1 - k : k;
            t.x = eq_dsp_row_in_fours(x + at * in_c, in_c, row);
            t.h = eq_dsp_row_of(before, wide);
            step(p, &t, after, cell, rounding);
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
        cell += units;
    }
}

#define DEFINE(suffix, rounding)                                                                                       \
    void eq_lstm_dsp_##suffix(const eq_lstm_dsp_params *p, const int8_t *const *inputs, int8_t *sequence,              \
                              int8_t *hidden, int16_t *cell, void *scratch)                                            \
    {                                                                                                                  \
        lstm(p, inputs, sequence, hidden, cell, scratch, rounding);                                                    \
    }
DEFINE(fast, EQ_FAST)
DEFINE(double, EQ_DOUBLE)
