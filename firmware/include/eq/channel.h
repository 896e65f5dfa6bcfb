/* What a kernel knows of an output channel besides its weights, in as few bytes as a layer's channels need. */
#ifndef EQ_CHANNEL_H
#define EQ_CHANNEL_H

#include <stdint.h>
#include <string.h>

/* Where bias and factor are in an entry of `bytes` bytes, 4 to 8: the factor, never negative, in the lowest bits, the
 * bias in the highest. */
typedef struct {
    int8_t bytes;
    int8_t bias_right;                /* of the entry's last four bytes */
    int8_t factor_left, factor_right; /* of its first four bytes, one after the other */
} eq_entry;

typedef struct {
    int32_t bias, factor;
} eq_channel;

static inline eq_channel eq_channel_of(eq_entry how, const int8_t *entry)
{
    int32_t high;
    uint32_t low;
    memcpy(&low, entry, sizeof low);
    memcpy(&high, entry + how.bytes - 4, sizeof high);
    return (eq_channel){high >> how.bias_right, (int32_t)(low << how.factor_left >> how.factor_right)};
}

#endif
