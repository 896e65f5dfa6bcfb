/* Fully connected layers whose weights are codes, places in a table of the layer's, on Armv6-M and Armv7-M. */
#ifndef EQ_FULLY_CONNECTED_CODES_THUMB_H
#define EQ_FULLY_CONNECTED_CODES_THUMB_H

#include <stdint.h>

typedef struct {
    int32_t rows, in_c, out_c;
    const int8_t *table;     /* 16 or 4 weights */
    const uint16_t *weights; /* per four output channels, per input codes of each of the four, lowest bits first: a word
                              * of 4 bits each; of 2 bits a word for two inputs */
    const int32_t *bias;     /* one per output channel, input zero-point folded in */
    const int32_t *mantissa;
    const int8_t *shift;
    int32_t zero_point, qmin, qmax;
} eq_fully_connected_codes_thumb_params;

void eq_fully_connected_code4_thumb_fast(const eq_fully_connected_codes_thumb_params *p, const int8_t *input,
                                         int8_t *output);
void eq_fully_connected_code4_thumb_single(const eq_fully_connected_codes_thumb_params *p, const int8_t *input,
                                           int8_t *output);
void eq_fully_connected_code4_thumb_double(const eq_fully_connected_codes_thumb_params *p, const int8_t *input,
                                           int8_t *output);
void eq_fully_connected_code2_thumb_fast(const eq_fully_connected_codes_thumb_params *p, const int8_t *input,
                                         int8_t *output);
void eq_fully_connected_code2_thumb_single(const eq_fully_connected_codes_thumb_params *p, const int8_t *input,
                                           int8_t *output);
void eq_fully_connected_code2_thumb_double(const eq_fully_connected_codes_thumb_params *p, const int8_t *input,
                                           int8_t *output);

#endif
