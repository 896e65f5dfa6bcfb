/* What recurrent layers compute between their products, of four units at once: eq/gates.h, bit for bit. */
#ifndef EQ_MVE_GATES_H
#define EQ_MVE_GATES_H

#include "eq/mve.h"

enum { LANES = 4, STEP_BITS = 7 };

/* Sums times factors, of one shift for all. */
EQ_INLINE eq_s32x4 eq_scaled_s32(const int32_t *sums, int32_t left, const int32_t *mantissa)
{
    return eq_doubling_high_s32(eq_left_s32(eq_load_s32(sums), left), eq_load_s32(mantissa));
}

EQ_INLINE eq_s32x4 eq_interpolate_s32(const int16_t *table, eq_s32x4 x)
{
    const eq_s32x4 step = eq_shift_s32(x, -STEP_BITS), index = eq_add_scalar_s32(step, 256);
    const eq_s32x4 low = eq_gather_s16_to_s32(table, index), high = eq_gather_s16_to_s32(table + 1, index);
    const eq_s32x4 part = eq_subtract_s32(x, eq_left_s32(step, STEP_BITS));
    const eq_s32x4 rise = eq_multiply_s32(eq_subtract_s32(high, low), part);
    const eq_s32x4 sum = eq_add_s32(eq_left_s32(low, STEP_BITS), rise);
    return eq_shift_s32(eq_add_scalar_s32(sum, 1 << (STEP_BITS - 1)), -STEP_BITS);
}

/* clamp(zero_point + x * mantissa / 2^31) */
EQ_INLINE eq_s32x4 eq_narrow_hidden(eq_s32x4 x, int32_t mantissa, int32_t zero_point)
{
    const eq_s32x4 moved = eq_add_scalar_s32(eq_doubling_high_scalar_s32(x, mantissa), zero_point);
    return eq_min_s32(eq_max_s32(moved, eq_dup_s32(-128)), eq_dup_s32(127));
}

#endif
