/* Weights of 4 bits as bytes, for kernels that read each of few weights often. */
#ifndef EQ_UNPACK_INT4_H
#define EQ_UNPACK_INT4_H

#include <stdint.h>
#include <string.h>

/* Bytes that `count` unpacked weights take: whole words of nibbles. */
#define EQ_UNPACKED_INT4_BYTES(count) (((count) + 7) / 8 * 8)

/* Four integers of 4 bits, in the low halves of bytes, as int8. */
static inline uint32_t eq_four_int4(uint32_t nibbles)
{
    /* From 8 on, 0x78 more sets the highest bit; taking these bits away again leaves the sign in all of them. */
    return ((nibbles & 0x0f0f0f0fU) + 0x78787878U) ^ 0x78787878U;
}

/* Unpacks `count` weights. Byte i of a word holds weight i of eight in its low bits and weight i + 4 in its high ones.
 *
 * to: as many bytes as EQ_UNPACKED_INT4_BYTES says, at a multiple of 4. */
static inline void eq_unpack_int4(const uint32_t *words, int32_t count, int8_t *to)
{
    for (const int8_t *const end = to + count; to < end; to += 8) {
        const uint32_t word = *words++, both[2] = {eq_four_int4(word), eq_four_int4(word >> 4)};
        memcpy(to, both, sizeof both);
    }
}

#endif
