/* Integers of less than 8 bits, packed without gaps. */
#ifndef EQ_PACKED_H
#define EQ_PACKED_H

#include <stdint.h>

/* Element `index` of a stream of two's complement integers of `bits` bits, from 1 to 8. Elements begin in the low bits
 * of a byte and may go on in the next one; a spare byte follows the last. */
static inline int32_t eq_packed(const uint8_t *stream, int32_t index, int32_t bits)
{
    const uint32_t at = (uint32_t)index * (uint32_t)bits;
    const uint8_t *bytes = stream + (at >> 3);
    const uint32_t pair = (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8;
    const int32_t unused = 32 - bits;
    return (int32_t)(pair << ((uint32_t)unused - (at & 7U))) >> unused;
}

/* The same of a stream whose elements of 8 bits are bytes. */
static inline int32_t eq_weight(const uint8_t *stream, int32_t index, int32_t bits)
{
    return bits == 8 ? (int8_t)stream[index] : eq_packed(stream, index, bits);
}

#endif
