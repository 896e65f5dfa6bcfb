/* The check of an image of weights: header first, then the CRC, four bits at a time. */
#include "eq/check_weights.h"

#include <stddef.h>

#define MAGIC 0x54575145u /* "EQWT" */

static uint32_t word(const uint8_t *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static uint32_t crc32(const uint8_t *data, size_t bytes)
{
    static const uint32_t table[16] = {
        0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
        0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
    };
    uint32_t crc = 0xffffffff;
    for (size_t i = 0; i < bytes; i++) {
        crc ^= data[i];
        crc = crc >> 4 ^ table[crc & 15];
        crc = crc >> 4 ^ table[crc & 15];
    }
    return ~crc;
}

int eq_check_weights(const void *image, const eq_weights_image *expected)
{
    const uint8_t *header = image;
    if (word(header) != MAGIC || word(header + 4) != EQ_WEIGHTS_VERSION) {
        return EQ_WEIGHTS_ABSENT;
    }
    if (word(header + 8) != expected->fingerprint[0] || word(header + 12) != expected->fingerprint[1] ||
        word(header + 16) != expected->bytes) {
        return EQ_WEIGHTS_OF_OTHER_CODE;
    }
    const size_t rest = expected->bytes - EQ_WEIGHTS_HEADER_BYTES;
    return crc32(header + EQ_WEIGHTS_HEADER_BYTES, rest) == word(header + 28) ? EQ_WEIGHTS_RIGHT : EQ_WEIGHTS_DAMAGED;
}
