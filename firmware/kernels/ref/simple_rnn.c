#include "eq/simple_rnn.h"

#include <string.h>

#include "eq/gates.h"

static inline int32_t dot(const int8_t *a, const int8_t *b, int32_t count, int32_t acc)
{
    for (int32_t k = 0; k < count; k++) {
        acc += a[k] * b[k];
    }
    return acc;
}

static inline int8_t next_hidden(const eq_simple_rnn_params *p, int32_t z)
{
    const int32_t clipped = eq_clamp(z, -p->clip - 1, p->clip);
    const int32_t relu = clipped < 0 ? 0 : clipped;
    const int32_t made = p->table ? eq_interpolate16(p->table, clipped) : relu;
    return eq_requantize(made, p->hidden_mantissa, p->hidden_shift, p->zero_point, -128, 127, EQ_FAST);
}

void eq_simple_rnn_ref(const eq_simple_rnn_params *p, const int8_t *const *inputs, int8_t *sequence, int8_t *hidden,
                       void *scratch)
{
    const int32_t units = p->units;
    int16_t *const z = scratch;
    const int8_t *x = inputs[0];
    memcpy(hidden, p->initial_hidden ? p->initial_hidden : inputs[1], (size_t)(p->batch * units));
    for (int32_t b = 0; b < p->batch; b++) {
        for (int32_t k = 0; k < p->steps; k++) {
            const int32_t t = p->reverse ? p->steps - 1 - k : k;
            for (int32_t u = 0; u < units; u++) {
                const int32_t given = dot(x + t * p->in_c, p->weights + u * p->in_c, p->in_c, p->bias[u]);
                const int32_t own = dot(hidden, p->recurrent + u * units, units, p->recurrent_bias[u]);
                const int32_t scaled = eq_multiply(given, p->mantissa[u], p->shift[u], EQ_FAST);
                const int32_t sum = eq_clamp(scaled, -(1 << 30), 1 << 30);
                z[u] = (int16_t)eq_add_scaled16(sum, own, p->recurrent_mantissa[u], p->recurrent_shift[u], EQ_FAST);
            }
            for (int32_t u = 0; u < units; u++) {
                hidden[u] = next_hidden(p, z[u]);
            }
            memcpy(sequence + t * units, hidden, (size_t)units);
        }
        x += p->steps * p->in_c;
        sequence += p->steps * units;
        hidden += units;
    }
}
