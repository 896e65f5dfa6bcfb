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

/* With weights of 2 bits per four channels, per 16 inputs 16 bytes, of 1 bit per eight channels: the first channel's
 * weight is in the lowest bits of a byte. Fields are not negative: 2 more than the weight; 1 for 1, 0 for -1. But what
 * is in the highest bits is two's complement: of 1 bit 0 for 1, 1 for -1. Arrays are filled up to a multiple of 8. */
void eq_fully_connected_int2_mve_fast(const eq_fully_connected_mve_params *p, const int8_t *input, int8_t *output);
void eq_fully_connected_int2_mve_single(const eq_fully_connected_mve_params *p, const int8_t *input, int8_t *output);
void eq_fully_connected_int2_mve_double(const eq_fully_connected_mve_params *p, const int8_t *input, int8_t *output);
void eq_fully_connected_binary_mve_fast(const eq_fully_connected_mve_params *p, const int8_t *input, int8_t *output);
void eq_fully_connected_binary_mve_single(const eq_fully_connected_mve_params *p, const int8_t *input, int8_t *output);
void eq_fully_connected_binary_mve_double(const eq_fully_connected_mve_params *p, const int8_t *input, int8_t *output);

/* Weights are codes, places in a table of 16 or 4 weights: per two, or four, channels, per 16 inputs 16 bytes, the
 * first channel's code in the lowest bits of each. Arrays are filled up to a multiple of 8. */
typedef struct {
    eq_fully_connected_mve_params layer;
    const int8_t *table;
} eq_fully_connected_codes_mve_params;

void eq_fully_connected_code4_mve_fast(const eq_fully_connected_codes_mve_params *p, const int8_t *input,
                                       int8_t *output);
void eq_fully_connected_code4_mve_single(const eq_fully_connected_codes_mve_params *p, const int8_t *input,
                                         int8_t *output);
void eq_fully_connected_code4_mve_double(const eq_fully_connected_codes_mve_params *p, const int8_t *input,
                                         int8_t *output);
void eq_fully_connected_code2_mve_fast(const eq_fully_connected_codes_mve_params *p, const int8_t *input,
                                       int8_t *output);
void eq_fully_connected_code2_mve_single(const eq_fully_connected_codes_mve_params *p, const int8_t *input,
                                         int8_t *output);
void eq_fully_connected_code2_mve_double(const eq_fully_connected_codes_mve_params *p, const int8_t *input,
                                         int8_t *output);

#endif
