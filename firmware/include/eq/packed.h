/* Integers of less than 8 bits, packed without gaps. */
#ifndef EQ_PACKED_H
#define EQ_PACKED_H

#include <stdint.h>

/* Element `index` of a stream without gaps, by `bits`:
 * 16 + n: codes of n bits, unsigned and else like the following; before them there is the table of all 2^n elements.
 * 2 to 8: two's complement integers of so many bits. Elements begin in the low bits of a byte and may go on in the next
 *   one; a spare byte follows the last.
 * 1: one bit for each, which is set for -1 and not for 1; a spare byte likewise.
 * 0: -1, 0 and 1 as digits 0, 1 and 2 of numbers to the base of 3, five in a byte, the least one first. */
static inline int32_t eq_packed(const uint8_t *stream, int32_t index, int32_t bits)
{
    if (bits == 0) {
        uint32_t digits = stream[(uint32_t)index / 5U];
        for (uint32_t before = (uint32_t)index % 5U; before > 0; before--) {
            digits /= 3U;
        }
        return (int32_t)(digits % 3U) - 1;
    }
    if (bits > 16) {
        const int32_t width = bits - 16, count = 1 << width;
        const uint32_t at = (uint32_t)(index * width);
        const uint32_t code = (uint32_t)stream[count + (int32_t)(at >> 3)] >> (at & 7U) & (uint32_t)(count - 1);
        return (int8_t)stream[code];
    }
    const uint32_t at = (uint32_t)index * (uint32_t)bits;
    const uint8_t *bytes = stream + (at >> 3);
    const uint32_t pair = (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8;
    const int32_t unused = 32 - bits;
    const int32_t value = (int32_t)(pair << ((uint32_t)unused - (at & 7U))) >> unused;
    return bits == 1 ? 2 * value + 1 : value;
}

/* The same of a stream whose elements of 8 bits are bytes. */
static inline int32_t eq_weight(const uint8_t *stream, int32_t index, int32_t bits)
{
    return bits == 8 ? (int8_t)stream[index] : eq_packed(stream, index, bits);
}

#endif
