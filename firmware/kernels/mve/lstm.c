#include "eq/lstm_mve.h"

#include <string.h>

#include "dense.h"
#include "eq/mve.h"
#include "gates.h"

/* Pre-activations of a gate of four units; `at`: the first of them among all gates. */
EQ_INLINE eq_s32x4 gate(const eq_lstm_mve_params *p, const int32_t *given, const int32_t *own, int32_t at)
{
    const eq_s32x4 first = eq_saturate16_s32(eq_scaled_s32(given + at, p->left, p->mantissa + at));
    const eq_s32x4 second = eq_saturate16_s32(eq_scaled_s32(own + at, p->recurrent_left, p->recurrent_mantissa + at));
    return eq_saturate16_s32(eq_add_s32(first, second));
}

static void step(const eq_lstm_mve_params *p, const int32_t *given, const int32_t *own, int8_t *hidden, int16_t *cell)
{
    const int32_t units = p->units;
    for (int32_t u = 0; u < units; u += LANES) {
        const eq_s32x4 i = eq_interpolate_s32(p->sigmoid, gate(p, given, own, u));
        const eq_s32x4 f = eq_interpolate_s32(p->sigmoid, gate(p, given, own, units + u));
        const eq_s32x4 g = eq_interpolate_s32(p->tanh, gate(p, given, own, 2 * units + u));
        const eq_s32x4 o = eq_interpolate_s32(p->sigmoid, gate(p, given, own, 3 * units + u));
        const eq_s32x4 old = eq_load_s16_to_s32_n(cell + u, units - u);
        const eq_s32x4 added = eq_shift_s32(eq_multiply_s32(i, g), p->cell_bits - 15);
        const eq_s32x4 sum = eq_add_scalar_s32(eq_add_s32(eq_multiply_s32(f, old), added), 1 << 14);
        eq_s32x4 next = eq_saturate16_s32(eq_shift_s32(sum, -15));
        if (p->cell_clip) {
            next = eq_min_s32(eq_max_s32(next, eq_dup_s32(-p->cell_clip)), eq_dup_s32(p->cell_clip));
        }
        eq_store_s32_to_s16_n(cell + u, next, units - u);
        const eq_s32x4 both = eq_multiply_s32(o, eq_interpolate_s32(p->cell_tanh, next));
        const eq_s32x4 fine = eq_shift_s32(eq_add_scalar_s32(both, 1 << 14), -15);
        const eq_s32x4 made = eq_narrow_hidden(fine, p->hidden_mantissa, p->hidden_zero_point);
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
