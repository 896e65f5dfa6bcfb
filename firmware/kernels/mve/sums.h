/* Sums of bytes, channel by channel. */
#ifndef EQ_MVE_SUMS_H
#define EQ_MVE_SUMS_H

#include "requant.h"

/* As many bytes as surely fit when summed in 16 bits. */
enum { EQ_MOST_BYTES = 255 };

EQ_INLINE eq_s32x16 eq_no_sums(void)
{
    const eq_s32x4 zero = eq_dup_s32(0);
    const eq_s32x16 r = {zero, zero, zero, zero};
    return r;
}

/* Adds `count` vectors (1 to EQ_MOST_BYTES), `step` bytes apart, of which the first n bytes are read. */
EQ_INLINE eq_s32x16 eq_add_bytes(eq_s32x16 sums, const int8_t *from, int32_t step, int32_t count, int32_t n)
{
    eq_s8x16 x = eq_load_s8_n(from, n);
    eq_s16x8 even = eq_widen_even_s8(x), odd = eq_widen_odd_s8(x);
    while (--count > 0) {
        from += step;
        x = eq_load_s8_n(from, n);
        even = eq_add_s16(even, eq_widen_even_s8(x));
        odd = eq_add_s16(odd, eq_widen_odd_s8(x));
    }
    const eq_s32x16 r = {
        eq_add_s32(sums.v0, eq_widen_even_s16(even)),
        eq_add_s32(sums.v1, eq_widen_even_s16(odd)),
        eq_add_s32(sums.v2, eq_widen_odd_s16(even)),
        eq_add_s32(sums.v3, eq_widen_odd_s16(odd)),
    };
    return r;
}

#endif
