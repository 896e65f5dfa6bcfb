#include "eq/gru.h"

#include <string.h>

#include "eq/gates.h"

static inline int32_t dot(const int8_t *a, const int8_t *b, int32_t count, int32_t acc)
{
    for (int32_t k = 0; k < count; k++) {
        acc += a[k] * b[k];
    }
    return acc;
}

static inline int32_t given(const eq_gru_params *p, const int8_t *x, int32_t row)
{
    const int32_t acc = dot(x, p->weights + row * p->in_c, p->in_c, p->bias[row]);
    return eq_add_scaled16(0, acc, p->mantissa[row], p->shift[row], EQ_FAST);
}

static inline int32_t own(const eq_gru_params *p, const int8_t *hidden, int32_t row)
{
    const int32_t acc = dot(hidden, p->recurrent + row * p->units, p->units, p->recurrent_bias[row]);
    return eq_add_scaled16(0, acc, p->recurrent_mantissa[row], p->recurrent_shift[row], EQ_FAST);
}

/* A function at a pre-activation. */
static inline int32_t gate(const eq_gru_params *p, const int16_t *table, int32_t z)
{
    return eq_interpolate16(table, eq_clamp(z, -p->clip - 1, p->clip));
}

static inline int8_t narrow(const eq_gru_params *p, int32_t hidden)
{
    return eq_requantize(hidden, p->narrow_mantissa, p->narrow_shift, p->zero_point, -128, 127, EQ_FAST);
}

static inline int32_t next_hidden(const eq_gru_params *p, int32_t hidden, int32_t z, int32_t n)
{
    const int32_t other = ((32768 - z) * n) >> (15 - p->hidden_bits);
    return eq_saturate16((z * hidden + other + (1 << 14)) >> 15);
}

/* One step of one sample: `hidden` and `fine` (units), the same in 8 and in 16 bits, change. */
static inline void step(const eq_gru_params *p, const int8_t *x, int8_t *hidden, int16_t *fine, int16_t *z, int8_t *let)
{
    const int32_t units = p->units;
    for (int32_t row = 0; row < 2 * units; row++) {
        z[row] = (int16_t)gate(p, p->sigmoid, given(p, x, row) + own(p, hidden, row));
    }
    const int8_t *seen = hidden;
    if (!p->reset_after) {
        for (int32_t u = 0; u < units; u++) {
            let[u] = narrow(p, (z[units + u] * fine[u] + (1 << 14)) >> 15);
        }
        seen = let;
    }
    for (int32_t u = 0; u < units; u++) {
        const int32_t row = 2 * units + u;
        int32_t made = own(p, seen, row);
        if (p->reset_after) {
            made = (z[units + u] * made + (1 << 14)) >> 15;
        }
        z[row] = (int16_t)gate(p, p->tanh, given(p, x, row) + made);
    }
    for (int32_t u = 0; u < units; u++) {
        fine[u] = (int16_t)next_hidden(p, fine[u], z[u], z[2 * units + u]);
        hidden[u] = narrow(p, fine[u]);
    }
}

void eq_gru_ref(const eq_gru_params *p, const int8_t *const *inputs, int8_t *sequence, int8_t *hidden, void *scratch)
{
    const int32_t units = p->units;
    int16_t *const z = scratch;
    int16_t *const fine = z + 3 * units;
    int8_t *const let = (int8_t *)(fine + units);
    const int8_t *x = inputs[0];
    memcpy(hidden, p->initial_hidden ? p->initial_hidden : inputs[1], (size_t)(p->batch * units));
    for (int32_t b = 0; b < p->batch; b++) {
        for (int32_t u = 0; u < units; u++) {
            const int32_t steps = hidden[u] - p->zero_point;
            fine[u] = (int16_t)eq_add_scaled16(0, steps, p->widen_mantissa, p->widen_shift, EQ_FAST);
        }
        for (int32_t k = 0; k < p->steps; k++) {
            const int32_t t = p->reverse ? p->steps - 1 - k : k;
            step(p, x + t * p->in_c, hidden, fine, z, let);
            memcpy(sequence + t * units, hidden, (size_t)units);
        }
        x += p->steps * p->in_c;
        sequence += p->steps * units;
        hidden += units;
    }
}
