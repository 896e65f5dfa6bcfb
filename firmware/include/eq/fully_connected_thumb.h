/* Fully connected layers on Armv6-M and Armv7-M. */
#ifndef EQ_FULLY_CONNECTED_THUMB_H
#define EQ_FULLY_CONNECTED_THUMB_H

#include "eq/fully_connected.h"

/* Armv6-M: weights as eq_fully_connected_ref takes them, symmetric. */
void eq_fully_connected_thumb_fast(const eq_fully_connected_params *p, const int8_t *input, int8_t *output);
void eq_fully_connected_thumb_single(const eq_fully_connected_params *p, const int8_t *input, int8_t *output);
void eq_fully_connected_thumb_double(const eq_fully_connected_params *p, const int8_t *input, int8_t *output);

/* Armv7-M: weights (out_c / 4 rounded up, in_c, 4); of each four bytes 0 and 2 hold the weight + 128. */
void eq_fully_connected_thumb2_fast(const eq_fully_connected_params *p, const int8_t *input, int8_t *output);
void eq_fully_connected_thumb2_single(const eq_fully_connected_params *p, const int8_t *input, int8_t *output);
void eq_fully_connected_thumb2_double(const eq_fully_connected_params *p, const int8_t *input, int8_t *output);

#endif
