/* Fully connected layer whose weights are paths through a trellis: every row of the input times a constant matrix. */
#ifndef EQ_FULLY_CONNECTED_TRELLIS_H
#define EQ_FULLY_CONNECTED_TRELLIS_H

#include <stdint.h>

typedef struct {
    int32_t rows, in_c, out_c;
    /* Codes of 2 bits without gaps, channel after channel, low bits first. A weight is the element of the table whose
     * place are the codes of four: its own the highest bits, then that of the weight before in its channel, 0 where
     * there is none. */
    const uint8_t *weights;
    const int8_t *table; /* 256 elements */
    const int32_t *bias; /* one per output channel, input zero-point folded in */
    const int32_t *mantissa;
    const int8_t *shift;
    int32_t zero_point, qmin, qmax;
} eq_fully_connected_trellis_params;

void eq_fully_connected_trellis_ref_fast(const eq_fully_connected_trellis_params *p, const int8_t *input,
                                         int8_t *output);
void eq_fully_connected_trellis_ref_single(const eq_fully_connected_trellis_params *p, const int8_t *input,
                                           int8_t *output);
void eq_fully_connected_trellis_ref_double(const eq_fully_connected_trellis_params *p, const int8_t *input,
                                           int8_t *output);

#endif
