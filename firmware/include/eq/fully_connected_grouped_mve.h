/* Fully connected layers on Helium whose weights have a factor for every group of inputs. */
#ifndef EQ_FULLY_CONNECTED_GROUPED_MVE_H
#define EQ_FULLY_CONNECTED_GROUPED_MVE_H

#include "eq/fully_connected_mve.h"

/* Weights: for every 96 channels, for every group those of its inputs, as in layers without groups. */
typedef struct {
    eq_fully_connected_mve_params layer;
    int32_t group;          /* inputs; the last one may have fewer */
    const uint8_t *factors; /* for every group those of all channels, filled up to a multiple of 4 */
} eq_fully_connected_grouped_mve_params;

void eq_fully_connected_grouped_mve_fast(const eq_fully_connected_grouped_mve_params *p, const int8_t *input,
                                         int8_t *output);
void eq_fully_connected_grouped_mve_single(const eq_fully_connected_grouped_mve_params *p, const int8_t *input,
                                           int8_t *output);
void eq_fully_connected_grouped_mve_double(const eq_fully_connected_grouped_mve_params *p, const int8_t *input,
                                           int8_t *output);
void eq_fully_connected_grouped_int4_mve_fast(const eq_fully_connected_grouped_mve_params *p, const int8_t *input,
                                              int8_t *output);
void eq_fully_connected_grouped_int4_mve_single(const eq_fully_connected_grouped_mve_params *p, const int8_t *input,
                                                int8_t *output);
void eq_fully_connected_grouped_int4_mve_double(const eq_fully_connected_grouped_mve_params *p, const int8_t *input,
                                                int8_t *output);
void eq_fully_connected_grouped_int2_mve_fast(const eq_fully_connected_grouped_mve_params *p, const int8_t *input,
                                              int8_t *output);
void eq_fully_connected_grouped_int2_mve_single(const eq_fully_connected_grouped_mve_params *p, const int8_t *input,
                                                int8_t *output);
void eq_fully_connected_grouped_int2_mve_double(const eq_fully_connected_grouped_mve_params *p, const int8_t *input,
                                                int8_t *output);
void eq_fully_connected_grouped_binary_mve_fast(const eq_fully_connected_grouped_mve_params *p, const int8_t *input,
                                                int8_t *output);
void eq_fully_connected_grouped_binary_mve_single(const eq_fully_connected_grouped_mve_params *p, const int8_t *input,
                                                  int8_t *output);
void eq_fully_connected_grouped_binary_mve_double(const eq_fully_connected_grouped_mve_params *p, const int8_t *input,
                                                  int8_t *output);

#endif
