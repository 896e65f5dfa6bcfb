/* What recurrent layers compute between their products: the C twin of edgeq/numerics/gates.py, bit for bit. */
#ifndef EQ_GATES_H
#define EQ_GATES_H

#include "eq/requant.h"

enum { EQ_GATE_STEP_BITS = 7, EQ_GATE_FRACTION_BITS = 12 };

static inline int32_t eq_saturate16(int32_t x)
{
    return eq_clamp(x, -32768, 32767);
}

/* A function at an int16, interpolated between the 513 entries of its table. */
static inline int32_t eq_interpolate16(const int16_t *table, int32_t x)
{
    const int16_t *entry = table + ((x >> EQ_GATE_STEP_BITS) + 256);
    const int32_t low = entry[0];
    const int32_t part = x & ((1 << EQ_GATE_STEP_BITS) - 1);
    return (low * (1 << EQ_GATE_STEP_BITS) + (entry[1] - low) * part + (1 << (EQ_GATE_STEP_BITS - 1))) >>
           EQ_GATE_STEP_BITS;
}

/* sum + acc · m, saturated to 16 bits. */
static inline int32_t eq_add_scaled16(int32_t sum, int32_t acc, int32_t mantissa, int32_t shift, eq_rounding rounding)
{
    return eq_saturate16(sum + eq_clamp(eq_multiply(acc, mantissa, shift, rounding), -(1 << 30), 1 << 30));
}

#endif
