/* Sixteen channels of pixels, for pools and means. */
#ifndef EQ_X86_SIXTEEN_H
#define EQ_X86_SIXTEEN_H

#include "vectors.h"

#define EQ_SIXTEEN (16 / EQ_LANES) /* vectors of sums */

/* Adds sixteen channels of `count` pixels, `apart` bytes from one another, to sums. */
EQ_INLINE void eq_sum_pixels(int32_t sums[16], const int8_t *from, int64_t apart, int32_t count)
{
    eq_sums v[EQ_SIXTEEN];
    EQ_UNROLL
    for (int32_t i = 0; i < EQ_SIXTEEN; i++) {
        v[i] = eq_load_sums(sums + i * EQ_LANES);
    }
    for (int32_t k = 0; k < count; k++) {
        EQ_UNROLL
        for (int32_t i = 0; i < EQ_SIXTEEN; i++) {
            v[i] = eq_add(v[i], eq_widen(from + k * apart + i * EQ_LANES));
        }
    }
    memcpy(sums, v, sizeof v);
}

#endif
