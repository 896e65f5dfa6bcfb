/* Weights that lie in memory of their own: whether they are what a model needs.
 *
 * An image of weights begins with a header of little-endian 32-bit numbers: "EQWT", the format's version, two numbers
 * that tell the code which the weights are for, bytes in all, 0, 0, and the CRC-32 (IEEE 802.3) of what follows. */
#ifndef EQ_CHECK_WEIGHTS_H
#define EQ_CHECK_WEIGHTS_H

#include <stdint.h>

#define EQ_WEIGHTS_HEADER_BYTES 32
#define EQ_WEIGHTS_VERSION 1

enum { EQ_WEIGHTS_RIGHT, EQ_WEIGHTS_ABSENT, EQ_WEIGHTS_OF_OTHER_CODE, EQ_WEIGHTS_DAMAGED };

typedef struct {
    uint32_t fingerprint[2]; /* of the code that reads them */
    uint32_t bytes;          /* with the header */
} eq_weights_image;

/* One of the above. No more than the header is read unless the rest is as long as expected. */
int eq_check_weights(const void *image, const eq_weights_image *expected);

#endif
