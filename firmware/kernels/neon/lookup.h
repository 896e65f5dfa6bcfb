/* Tables of 256 bytes in sixteen registers. */
#ifndef EQ_NEON_LOOKUP_H
#define EQ_NEON_LOOKUP_H

#include "eq/neon.h"

#if EQ_A64

typedef struct {
    int8x16x4_t quarter[4];
} eq_bytes;

EQ_INLINE eq_bytes eq_bytes_of(const int8_t *table)
{
    eq_bytes t;
    EQ_UNROLL
    for (int32_t i = 0; i < 4; i++) {
        EQ_UNROLL
        for (int32_t k = 0; k < 4; k++) {
            t.quarter[i].val[k] = vld1q_s8(table + 64 * i + 16 * k);
        }
    }
    return t;
}

/* Sixteen at once. Indices beyond a quarter give 0, or leave what another quarter gave. */
EQ_INLINE int8x16_t eq_looked_up(const eq_bytes *t, uint8x16_t index)
{
    const uint8x16_t next = vdupq_n_u8(64);
    int8x16_t found = vqtbl4q_s8(t->quarter[0], index);
    EQ_UNROLL
    for (int32_t i = 1; i < 4; i++) {
        index = vsubq_u8(index, next);
        found = vqtbx4q_s8(found, t->quarter[i], index);
    }
    return found;
}

#endif

#endif
