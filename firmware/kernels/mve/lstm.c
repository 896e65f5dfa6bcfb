#include "eq/lstm_mve.h"

#include <string.h>

#include "dense.h"
#include "eq/mve.h"
#include "gates.h"
#include "gemmlowp16.h"
#include "requant.h"

/* Sums times their factors, saturated. */
EQ_INLINE eq_s32x4 scaled(const int32_t *sums, int32_t left, const int32_t *mantissa, const int32_t *shift,
                          eq_rounding rounding)
{
    if (rounding == EQ_FAST) {
        return eq_clamp16_s32(eq_scaled_s32(sums, left, mantissa));
    }
    const eq_s32x4 s = eq_load_s32(shift), zero = eq_dup_s32(0), right = eq_min_s32(s, zero);
    const eq_s32x4 x = eq_left_by_s32(eq_load_s32(sums), eq_max_s32(s, zero));
    const eq_s32x4 high = eq_doubling_high_s32(x, eq_load_s32(mantissa));
    return eq_clamp16_s32(eq_rounding_shift_s32(eq_nudge_s32(high, right), right));
}

/* Pre-activations of a gate of four units; `at`: the first of them among all gates. */
EQ_INLINE eq_s32x4 gate(const eq_lstm_mve_params *p, const int32_t *given, const int32_t *own, int32_t at,
                        eq_rounding rounding)
{
    const int32_t *const shift = rounding == EQ_FAST ? NULL : p->shift + at;
    const int32_t *const recurrent_shift = rounding == EQ_FAST ? NULL : p->recurrent_shift + at;
    const eq_s32x4 first = scaled(given + at, p->left, p->mantissa + at, shift, rounding);
    const eq_s32x4 second = scaled(own + at, p->recurrent_left, p->recurrent_mantissa + at, recurrent_shift, rounding);
    return eq_clamp16_s32(eq_add_s32(first, second));
}

EQ_INLINE eq_s32x4 sigmoid(const eq_lstm_mve_params *p, eq_s32x4 x, eq_rounding rounding)
{
    return rounding == EQ_FAST ? eq_interpolate_s32(p->sigmoid, x) : eq_logistic_s32(p->exp, x);
}

EQ_INLINE eq_s32x4 next_cell(const eq_lstm_mve_params *p, eq_s32x4 old, eq_s32x4 i, eq_s32x4 f, eq_s32x4 x_g,
                             eq_rounding rounding)
{
    eq_s32x4 next;
    if (rounding == EQ_FAST) {
        const eq_s32x4 g = eq_interpolate_s32(p->tanh, x_g);
        const eq_s32x4 added = eq_shift_s32(eq_multiply_s32(i, g), p->cell_bits - 15);
        next = eq_shift_s32(eq_add_scalar_s32(eq_add_s32(eq_multiply_s32(f, old), added), 1 << 14), -15);
    } else {
        const eq_s32x4 g = eq_tanh_s32(p->exp, x_g, 3, 6);
        const eq_s32x4 added = eq_divided_s32(eq_multiply_s32(i, g), 30 - p->cell_bits);
        next = eq_add_s32(eq_divided_s32(eq_multiply_s32(f, old), 15), added);
    }
    next = eq_clamp16_s32(next);
    if (p->cell_clip) {
        next = eq_min_s32(eq_max_s32(next, eq_dup_s32(-p->cell_clip)), eq_dup_s32(p->cell_clip));
    }
    return next;
}

EQ_INLINE eq_s32x4 next_hidden(const eq_lstm_mve_params *p, eq_s32x4 cell, eq_s32x4 o, eq_rounding rounding)
{
    if (rounding == EQ_FAST) {
        const eq_s32x4 both = eq_multiply_s32(o, eq_interpolate_s32(p->cell_tanh, cell));
        const eq_s32x4 fine = eq_shift_s32(eq_add_scalar_s32(both, 1 << 14), -15);
        return eq_narrow_hidden(fine, p->hidden_mantissa, p->hidden_zero_point);
    }
    const eq_s32x4 both = eq_multiply_s32(o, eq_tanh_s32(p->exp, cell, 15 - p->cell_bits, 7));
    const eq_s32x4 made = eq_scale_all(both, p->hidden_mantissa, p->hidden_shift, rounding);
    const eq_s32x4 moved = eq_add_scalar_s32(made, p->hidden_zero_point);
    return eq_min_s32(eq_max_s32(moved, eq_dup_s32(-128)), eq_dup_s32(127));
}

EQ_INLINE void step(const eq_lstm_mve_params *p, const int32_t *given, const int32_t *own, int8_t *hidden,
                    int16_t *cell, eq_rounding rounding)
{
    const int32_t units = p->units;
    for (int32_t u = 0; u < units; u += LANES) {
        const eq_s32x4 i = sigmoid(p, gate(p, given, own, u, rounding), rounding);
        const eq_s32x4 f = sigmoid(p, gate(p, given, own, units + u, rounding), rounding);
        const eq_s32x4 x_g = gate(p, given, own, 2 * units + u, rounding);
        const eq_s32x4 o = sigmoid(p, gate(p, given, own, 3 * units + u, rounding), rounding);
        const eq_s32x4 next = next_cell(p, eq_load_s16_to_s32_n(cell + u, units - u), i, f, x_g, rounding);
        eq_store_s32_to_s16_n(cell + u, next, units - u);
        eq_store_s32_to_s8_n(hidden + u, next_hidden(p, next, o, rounding), units - u);
    }
}

EQ_INLINE void lstm(const eq_lstm_mve_params *p, const int8_t *const *inputs, int8_t *sequence, int8_t *hidden,
                    int16_t *cell, void *scratch, eq_rounding rounding)
{
    const int32_t units = p->units, groups = (4 * units + GROUP - 1) / GROUP, room = groups * GROUP + LANES;
    int32_t *const given = scratch, *const own = given + room;
    const int8_t *x = *inputs++;
    memset(scratch, 0, (size_t)(2 * room) * sizeof *given);
    memcpy(hidden, p->initial_hidden ? p->initial_hidden : *inputs++, (size_t)(p->batch * units));
    const void *const cells = p->initial_cell ? (const void *)p->initial_cell : (const void *)*inputs;
    memcpy(cell, cells, (size_t)(p->batch * units) * sizeof *cell);
    for (int32_t b = 0; b < p->batch; b++) {
        for (int32_t k = 0; k < p->steps; k++) {
            const int32_t at = p->reverse ? p->steps - 1 - k : k;
            const eq_row row = {x + at * p->in_c, p->in_c, groups}, before = {hidden, units, groups};
            eq_multiply_row(&row, p->weights, p->bias, given);
            eq_multiply_row(&before, p->recurrent, p->recurrent_bias, own);
            step(p, given, own, hidden, cell, rounding);
            memcpy(sequence + at * units, hidden, (size_t)units);
        }
        x += p->steps * p->in_c;
        sequence += p->steps * units;
        hidden += units;
        cell += units;
    }
}

#define DEFINE(suffix, rounding)                                                                                       \
    void eq_lstm_mve_##suffix(const eq_lstm_mve_params *p, const int8_t *const *inputs, int8_t *sequence,              \
                              int8_t *hidden, int16_t *cell, void *scratch)                                            \
    {                                                                                                                  \
        lstm(p, inputs, sequence, hidden, cell, scratch, rounding);                                                    \
    }
DEFINE(fast, EQ_FAST)
DEFINE(double, EQ_DOUBLE)
