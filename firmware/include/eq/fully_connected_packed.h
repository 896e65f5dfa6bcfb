/* Fully connected layer: every row of the input times a constant matrix. */
#ifndef EQ_FULLY_CONNECTED_PACKED_H
#define EQ_FULLY_CONNECTED_PACKED_H

#include <stdint.h>

typedef struct {
    int32_t rows, in_c, out_c;
    const uint8_t *weights; /* eq/packed.h, elements in the order (out_c, in_c) */
    int32_t weight_bits;
    const int32_t *bias; /* one per output channel, input zero-point folded in */
    const int32_t *mantissa;
    const int8_t *shift;
    int32_t zero_point, qmin, qmax;
} eq_fully_connected_packed_params;

void eq_fully_connected_packed_ref_fast(const eq_fully_connected_packed_params *p, const int8_t *input, int8_t *output);
void eq_fully_connected_packed_ref_single(const eq_fully_connected_packed_params *p, const int8_t *input,
                                          int8_t *output);
void eq_fully_connected_packed_ref_double(const eq_fully_connected_packed_params *p, const int8_t *input,
                                          int8_t *output);

#endif
