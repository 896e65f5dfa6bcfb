#include "eq/lstm_mve.h"

#include <string.h>

#include "dense.h"
#include "eq/mve.h"

enum { LANES = 4, STEP_BITS = 7 };

EQ_INLINE eq_s32x4 saturate16(eq_s32x4 a)
{
    return eq_min_s32(eq_max_s32(a, eq_dup_s32(-32768)), eq_dup_s32(32767));
}

/* Pre-activations of a gate of four units; `at`: the first of them among all gates. */
EQ_INLINE eq_s32x4 gate(const eq_lstm_mve_params *p, const int32_t *given, const int32_t *own, int32_t at)
{
    const eq_s32x4 x = eq_left_s32(eq_load_s32(given + at), p->left);
    const eq_s32x4 h = eq_left_s32(eq_load_s32(own + at), p->recurrent_left);
    const eq_s32x4 first = saturate16(eq_doubling_high_s32(x, eq_load_s32(p->mantissa + at)));
    const eq_s32x4 second = saturate16(eq_doubling_high_s32(h, eq_load_s32(p->recurrent_mantissa + at)));
    return saturate16(eq_add_s32(first, second));
}

EQ_INLINE eq_s32x4 interpolate(const int16_t *table, eq_s32x4 x)
{
    const eq_s32x4 step = eq_shift_s32(x, -STEP_BITS), index = eq_add_scalar_s32(step, 256);
    const eq_s32x4 low = eq_gather_s16_to_s32(table, index), high = eq_gather_s16_to_s32(table + 1, index);
    const eq_s32x4 part = eq_subtract_s32(x, eq_left_s32(step, STEP_BITS));
    const eq_s32x4 rise = eq_multiply_s32(eq_subtract_s32(high, low), part);
    const eq_s32x4 sum = eq_add_s32(eq_left_s32(low, STEP_BITS), rise);
    return eq_shift_s32(eq_add_scalar_s32(sum, 1 << (STEP_BITS - 1)), -STEP_BITS);
}

static void step(const eq_lstm_mve_params *p, const int32_t *given, const int32_t *own, int8_t *hidden, int16_t *cell)
{
    const int32_t units = p->units;
    for (int32_t u = 0; u < units; u += LANES) {
        const eq_s32x4 i = interpolate(p->sigmoid, gate(p, given, own, u));
        const eq_s32x4 f = interpolate(p->sigmoid, gate(p, given, own, units + u));
        const eq_s32x4 g = interpolate(p->tanh, gate(p, given, own, 2 * units + u));
        const eq_s32x4 o = interpolate(p->sigmoid, gate(p, given, own, 3 * units + u));
        const eq_s32x4 old = eq_load_s16_to_s32_n(cell + u, units - u);
        const eq_s32x4 added = eq_shift_s32(eq_multiply_s32(i, g), p->cell_bits - 15);
        const eq_s32x4 sum = eq_add_scalar_s32(eq_add_s32(eq_multiply_s32(f, old), added), 1 << 14);
        eq_s32x4 next = saturate16(eq_shift_s32(sum, -15));
        if (p->cell_clip) {
            next = eq_min_s32(eq_max_s32(next, eq_dup_s32(-p->cell_clip)), eq_dup_s32(p->cell_clip));
        }
        eq_store_s32_to_s16_n(cell + u, next, units - u);
        const eq_s32x4 both = eq_multiply_s32(o, interpolate(p->cell_tanh, next));
        const eq_s32x4 fine = eq_shift_s32(eq_add_scalar_s32(both, 1 << 14), -15);
        const eq_s32x4 scaled = eq_doubling_high_scalar_s32(fine, p->hidden_mantissa);
        const eq_s32x4 moved = eq_add_scalar_s32(scaled, p->hidden_zero_point);
        const eq_s32x4 made = eq_min_s32(eq_max_s32(moved, eq_dup_s32(-128)), eq_dup_s32(127));
        eq_store_s32_to_s8_n(hidden + u, made, units - u);
    }
}

void eq_lstm_mve(const eq_lstm_mve_params *p, const int8_t *const *inputs, int8_t *sequence, int8_t *hidden,
                 int16_t *cell, void *scratch)
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
            step(p, given, own, hidden, cell);
            memcpy(sequence + at * units, hidden, (size_t)units);
        }
        x += p->steps * p->in_c;
        sequence += p->steps * units;
        hidden += units;
        cell += units;
    }
}
