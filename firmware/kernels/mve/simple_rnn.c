#include "eq/simple_rnn_mve.h"

#include <string.h>

#include "dense.h"
#include "eq/mve.h"
#include "gates.h"

static void step(const eq_simple_rnn_mve_params *p, const int32_t *given, const int32_t *own, int8_t *hidden)
{
    const int32_t units = p->units;
    for (int32_t u = 0; u < units; u += LANES) {
        const eq_s32x4 first = eq_scaled_s32(given + u, p->left, p->mantissa + u);
        const eq_s32x4 second = eq_scaled_s32(own + u, p->recurrent_left, p->recurrent_mantissa + u);
        const eq_s32x4 sum = eq_add_s32(first, second);
        const eq_s32x4 z = eq_min_s32(eq_max_s32(sum, eq_dup_s32(-p->clip - 1)), eq_dup_s32(p->clip));
        const eq_s32x4 value = p->table ? eq_interpolate_s32(p->table, z) : eq_max_s32(z, eq_dup_s32(0));
        eq_store_s32_to_s8_n(hidden + u, eq_narrow_hidden(value, p->hidden_mantissa, p->zero_point), units - u);
    }
}

void eq_simple_rnn_mve(const eq_simple_rnn_mve_params *p, const int8_t *const *inputs, int8_t *sequence, int8_t *hidden,
                       void *scratch)
{
    const int32_t units = p->units, groups = (units + GROUP - 1) / GROUP, room = groups * GROUP + LANES;
    int32_t *const given = scratch, *const own = given + room;
    const int8_t *x = *inputs++;
    memset(scratch, 0, (size_t)(2 * room) * sizeof *given);
    memcpy(hidden, p->initial_hidden ? p->initial_hidden : *inputs, (size_t)(p->batch * units));
    for (int32_t b = 0; b < p->batch; b++) {
        for (int32_t k = 0; k < p->steps; k++) {
            const int32_t at = p->reverse ? p->steps - 1 - k : k;
            const eq_row row = {x + at * p->in_c, p->in_c, groups}, before = {hidden, units, groups};
            eq_multiply_row(&row, p->weights, p->bias, given);
            eq_multiply_row(&before, p->recurrent, p->recurrent_bias, own);
            step(p, given, own, hidden);
            memcpy(sequence + at * units, hidden, (size_t)units);
        }
        x += p->steps * p->in_c;
        sequence += p->steps * units;
        hidden += units;
    }
}
