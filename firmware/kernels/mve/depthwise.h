/* What depthwise convolutions share: sixteen channels, products in 16 bits, sums in 32. */
#ifndef EQ_MVE_DEPTHWISE_H
#define EQ_MVE_DEPTHWISE_H

#include "requant.h"

enum { EQ_BLOCK = 16 };

/* Sums of a few products; two always fit. */
typedef struct {
    eq_s16x8 even, odd;
} eq_s16x16;

EQ_INLINE eq_s16x16 eq_tap(const int8_t *x, const int8_t *w)
{
    const eq_s8x16 a = eq_load_s8(x), b = eq_load_s8(w);
    const eq_s16x16 r = {eq_multiply_even_s8(a, b), eq_multiply_odd_s8(a, b)};
    return r;
}

EQ_INLINE eq_s16x16 eq_add_tap(eq_s16x16 sum, const int8_t *x, const int8_t *w)
{
    const eq_s16x16 more = eq_tap(x, w);
    const eq_s16x16 r = {eq_add_s16(sum.even, more.even), eq_add_s16(sum.odd, more.odd)};
    return r;
}

EQ_INLINE eq_s32x16 eq_add_wide(eq_s32x16 acc, eq_s16x16 sum)
{
    const eq_s32x16 r = {
        eq_add_s32(acc.v0, eq_widen_even_s16(sum.even)),
        eq_add_s32(acc.v1, eq_widen_even_s16(sum.odd)),
        eq_add_s32(acc.v2, eq_widen_odd_s16(sum.even)),
        eq_add_s32(acc.v3, eq_widen_odd_s16(sum.odd)),
    };
    return r;
}

#endif
