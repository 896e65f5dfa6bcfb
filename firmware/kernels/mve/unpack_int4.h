/* Weights of 4 bits as bytes, for kernels that read each of few weights often. */
#ifndef EQ_MVE_UNPACK_INT4_H
#define EQ_MVE_UNPACK_INT4_H

#include "eq/mve.h"

/* Unpacks `count` weights, a multiple of 32; see eq/depthwise_conv2d_mve.h. */
EQ_INLINE void eq_mve_unpack_int4(const int8_t *from, int32_t count, int8_t *to)
{
    for (const int8_t *const end = to + count; to != end; from += 16, to += 32) {
        const eq_s8x16 both = eq_load_s8(from);
        eq_store_s8(to, eq_low_half_s8(both));
        eq_store_s8(to + 16, eq_high_half_s8(both));
    }
}

#endif
