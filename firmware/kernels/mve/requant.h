/* Requantization of vectors: the same bits as eq/requant.h, for the multipliers that the kernels' rows let through.
 *
 * Sixteen channels are four vectors in this order: 0 4 8 12, 1 5 9 13, 2 6 10 14, 3 7 11 15; narrowing restores theirs.
 */
#ifndef EQ_MVE_REQUANT_H
#define EQ_MVE_REQUANT_H

#include "eq/mve.h"
#include "eq/requant.h"

/* The limits of the output. */
typedef struct {
    int32_t zero_point, qmin, qmax;
} eq_output;

typedef struct {
    eq_s32x4 v0, v1, v2, v3;
} eq_s32x16;

/* acc * m; multiplier and shift are one per lane. FAST needs no shift. */
EQ_INLINE eq_s32x4 eq_scale(eq_s32x4 acc, const int32_t *multiplier, const int32_t *shift, eq_rounding rounding)
{
    const eq_s32x4 m = eq_load_s32(multiplier);
    if (rounding == EQ_FAST) {
        return eq_doubling_high_s32(acc, m);
    }
    const eq_s32x4 s = eq_load_s32(shift);
    if (rounding == EQ_SINGLE) {
        return eq_rounding_shift_s32(eq_high_s32(acc, m), s);
    }
    /* Halves go away from zero: negative numbers that are shifted are first moved down. */
    return eq_rounding_shift_s32(eq_nudge_s32(eq_doubling_high_s32(acc, m), s), s);
}

/* acc * m with one multiplier, as eq/requant.h has it. */
EQ_INLINE eq_s32x4 eq_scale_all(eq_s32x4 acc, int32_t mantissa, int32_t shift, eq_rounding rounding)
{
    if (rounding == EQ_FAST) {
        return eq_doubling_high_scalar_s32(acc, mantissa);
    }
    if (rounding == EQ_SINGLE) {
        return eq_rounding_shift_s32(eq_high_s32(acc, eq_dup_s32(mantissa)), eq_dup_s32(shift + 1));
    }
    const eq_s32x4 s = eq_dup_s32(shift);
    return eq_rounding_shift_s32(eq_nudge_s32(eq_doubling_high_scalar_s32(acc, mantissa), s), s);
}

/* clamp(zero_point + x) of n lanes. */
EQ_INLINE void eq_store_output_n(int8_t *to, eq_s32x4 x, eq_output q, int32_t n)
{
    const eq_s32x4 y = eq_add_saturating_s32(x, q.zero_point);
    eq_store_s32_to_s8_n(to, eq_min_s32(eq_max_s32(y, eq_dup_s32(q.qmin)), eq_dup_s32(q.qmax)), n);
}

/* Where `shift` of channel c is; there is none in FAST. */
EQ_INLINE const int32_t *eq_shift_at(const int32_t *shift, int32_t c, eq_rounding rounding)
{
    return rounding == EQ_FAST ? shift : shift + c;
}

/* Sixteen channels. */
EQ_INLINE eq_s8x16 eq_requantize_16(eq_s32x16 acc, const int32_t *multiplier, const int32_t *shift, eq_output q,
                                    eq_rounding rounding)
{
    acc.v0 = eq_scale(acc.v0, multiplier, shift, rounding);
    acc.v2 = eq_scale(acc.v2, multiplier + 8, eq_shift_at(shift, 8, rounding), rounding);
    const eq_s16x8 even = eq_add_saturating_s16(eq_narrow_s32(acc.v0, acc.v2), q.zero_point);
    acc.v1 = eq_scale(acc.v1, multiplier + 4, eq_shift_at(shift, 4, rounding), rounding);
    acc.v3 = eq_scale(acc.v3, multiplier + 12, eq_shift_at(shift, 12, rounding), rounding);
    const eq_s16x8 odd = eq_add_saturating_s16(eq_narrow_s32(acc.v1, acc.v3), q.zero_point);
    const eq_s8x16 out = eq_narrow_s16(even, odd);
    return eq_min_s8(eq_max_s8(out, eq_dup_s8(q.qmin)), eq_dup_s8(q.qmax));
}

EQ_INLINE eq_s32x16 eq_load_s32x16(const int32_t *from)
{
    const eq_s32x16 r = {eq_load_s32(from), eq_load_s32(from + 4), eq_load_s32(from + 8), eq_load_s32(from + 12)};
    return r;
}

/* The first n of four channels that follow each other. */
EQ_INLINE void eq_requantize_4(int8_t *to, eq_s32x4 acc, const int32_t *multiplier, const int32_t *shift, eq_output q,
                               int32_t n, eq_rounding rounding)
{
    eq_store_output_n(to, eq_scale(acc, multiplier, shift, rounding), q, n);
}

#endif
