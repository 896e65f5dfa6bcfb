/* Fully connected layers with weights of 4 bits on Armv6-M and Armv7-M. */
#ifndef EQ_FULLY_CONNECTED_INT4_THUMB_H
#define EQ_FULLY_CONNECTED_INT4_THUMB_H

#include <stdint.h>

typedef struct {
    int32_t rows, in_c, out_c;
    const uint32_t *weights; /* per four output channels one word for every two inputs, see eq_thumb_int4_rows */
    const int32_t *bias;     /* one per output channel, input zero-point folded in */
    const int32_t *mantissa;
    const int8_t *shift;
    int32_t zero_point, qmin, qmax;
} eq_fully_connected_int4_thumb_params;

void eq_fully_connected_int4_thumb_fast(const eq_fully_connected_int4_thumb_params *p, const int8_t *input,
                                        int8_t *output);
void eq_fully_connected_int4_thumb_single(const eq_fully_connected_int4_thumb_params *p, const int8_t *input,
                                          int8_t *output);
void eq_fully_connected_int4_thumb_double(const eq_fully_connected_int4_thumb_params *p, const int8_t *input,
                                          int8_t *output);
void eq_fully_connected_int4_thumb2_fast(const eq_fully_connected_int4_thumb_params *p, const int8_t *input,
                                         int8_t *output);
void eq_fully_connected_int4_thumb2_single(const eq_fully_connected_int4_thumb_params *p, const int8_t *input,
                                           int8_t *output);
void eq_fully_connected_int4_thumb2_double(const eq_fully_connected_int4_thumb_params *p, const int8_t *input,
                                           int8_t *output);

/* With weights of 2 bits, words of four inputs, and of 1 bit, words of eight, see eq_thumb_field_rows; for both cores.
 */
void eq_fully_connected_int2_thumb_fast(const eq_fully_connected_int4_thumb_params *p, const int8_t *input,
                                        int8_t *output);
void eq_fully_connected_int2_thumb_single(const eq_fully_connected_int4_thumb_params *p, const int8_t *input,
                                          int8_t *output);
void eq_fully_connected_int2_thumb_double(const eq_fully_connected_int4_thumb_params *p, const int8_t *input,
                                          int8_t *output);
void eq_fully_connected_binary_thumb_fast(const eq_fully_connected_int4_thumb_params *p, const int8_t *input,
                                          int8_t *output);
void eq_fully_connected_binary_thumb_single(const eq_fully_connected_int4_thumb_params *p, const int8_t *input,
                                            int8_t *output);
void eq_fully_connected_binary_thumb_double(const eq_fully_connected_int4_thumb_params *p, const int8_t *input,
                                            int8_t *output);

#endif
