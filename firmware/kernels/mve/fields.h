/* From sums with weights that lie at several places of a byte to sums with weights; see eq/fully_connected_mve.h. */
#ifndef EQ_MVE_FIELDS_H
#define EQ_MVE_FIELDS_H

#include "eq/mve.h"

/* Sums of four channels from those of the bytes' bits from place `first` on, 0 or, with 1 bit, 4. total: of the
 * activations. */
EQ_INLINE eq_s32x4 eq_field_sums(eq_s32x4 sums, eq_s32x4 bias, int32_t total, int32_t bits, int32_t first)
{
    static const int32_t right[3][4] = {{0, -2, -4, -6}, {0, -1, -2, -3}, {-4, -5, -6, -7}};
    static const int32_t add[3][4] = {{-2, -2, -2, 0}, {-1, -1, -1, -1}, {-1, -1, -1, 1}};
    const int32_t kind = bits == 2 ? 0 : 1 + first / 4;
    const eq_s32x4 own = eq_rounding_shift_s32(sums, eq_load_s32(right[kind]));
    const eq_s32x4 scaled = bits == 2 ? own : eq_add_s32(own, own);
    return eq_add_s32(eq_multiply_add_s32(bias, eq_load_s32(add[kind]), total), scaled);
}

EQ_INLINE int32_t eq_total_s8(const int8_t *x, int32_t k)
{
    int32_t total = 0;
    for (int32_t i = 0; i < k; i += 16) {
        total = eq_add_across_s8(total, eq_load_s8_n(x + i, k - i));
    }
    return total;
}

/* What masks leave of a byte, and what it then is. */
EQ_INLINE int32_t eq_masked(int8_t byte, uint32_t mask)
{
    return (int8_t)(uint8_t)((uint32_t)(uint8_t)byte & mask);
}

#endif
