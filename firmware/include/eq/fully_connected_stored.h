/* Fully connected layers of float32 values whose weights are stored in fewer bits. */
#ifndef EQ_FULLY_CONNECTED_STORED_H
#define EQ_FULLY_CONNECTED_STORED_H

#include <stdint.h>

typedef struct {
    int32_t rows, in_c, out_c;
    const uint8_t *weights; /* (out_c, in_c): eq/packed.h, bytes, or float16 values, the low byte first */
    int32_t weight_bits;    /* 16: float16 */
    int32_t group;          /* inputs that share a scale */
    const float *scales;    /* (out_c, groups); NULL for float16 */
    const float *bias;      /* or NULL */
    float low, high;        /* of a fused activation */
} eq_fully_connected_stored_params;

/* The sums of a group are scaled, and added one group after the other. */
void eq_fully_connected_stored_ref(const eq_fully_connected_stored_params *p, const float *input, float *output);

/* The same with the input's rows as integers of 8 bits, each row with a step of its own, by which sums are multiplied
 * last. scratch: in_c bytes. */
void eq_fully_connected_dynamic_ref(const eq_fully_connected_stored_params *p, const float *input, float *output,
                                    void *scratch);

#endif
