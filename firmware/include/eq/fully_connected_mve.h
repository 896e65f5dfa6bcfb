/* Fully connected layer on Helium. */
#ifndef EQ_FULLY_CONNECTED_MVE_H
#define EQ_FULLY_CONNECTED_MVE_H

#include <stdint.h>

/* Arrays are filled up with zeros to a multiple of 12. */
typedef struct {
    int32_t rows, in_c, out_c;
    const int8_t *weights;     /* per six channels, per 16 inputs: 16 of each */
    const int32_t *bias;       /* input zero-point folded in */
    const int32_t *multiplier; /* m * 2^31, or its mantissa */
    const int32_t *shift;      /* _single: of the product's high word; _double: of the rounded product; _fast: NULL */
    int32_t zero_point, qmin, qmax;
} eq_fully_connected_mve_params;

void eq_fully_connected_mve_fast(const eq_fully_connected_mve_params *p, const int8_t *input, int8_t *output);
void eq_fully_connected_mve_single(const eq_fully_connected_mve_params *p, const int8_t *input, int8_t *output);
void eq_fully_connected_mve_double(const eq_fully_connected_mve_params *p, const int8_t *input, int8_t *output);

/* With weights of 4 bits: per six channels, per 16 inputs three times 16 bytes, whose low halves are one channel's
 * weights and whose high halves are the next one's. */
void eq_fully_connected_int4_mve_fast(const eq_fully_connected_mve_params *p, const int8_t *input, int8_t *output);
void eq_fully_connected_int4_mve_single(const eq_fully_connected_mve_params *p, const int8_t *input, int8_t *output);
void eq_fully_connected_int4_mve_double(const eq_fully_connected_mve_params *p, const int8_t *input, int8_t *output);

#endif
