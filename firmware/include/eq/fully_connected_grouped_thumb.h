/* Fully connected layers on Armv6-M and Armv7-M whose weights have a factor for every group of inputs. */
#ifndef EQ_FULLY_CONNECTED_GROUPED_THUMB_H
#define EQ_FULLY_CONNECTED_GROUPED_THUMB_H

#include "eq/fully_connected_int4_thumb.h"

/* For every four channels, the last of which are filled up with zeros, for every group of inputs: weights of 4, 2
 * bits and 1 as in layers without groups; of 8 bits on Armv6-M those of one channel after another, on Armv7-M as
 * eq_fully_connected_thumb2 takes them. */
typedef struct {
    eq_fully_connected_int4_thumb_params layer;
    int32_t group;           /* inputs; the last one may have fewer */
    const uint32_t *factors; /* for every four channels, for every group those of the channels, lowest bits first */
} eq_fully_connected_grouped_thumb_params;

void eq_fully_connected_grouped_thumb_fast(const eq_fully_connected_grouped_thumb_params *p, const int8_t *input,
                                           int8_t *output);
void eq_fully_connected_grouped_thumb_single(const eq_fully_connected_grouped_thumb_params *p, const int8_t *input,
                                             int8_t *output);
void eq_fully_connected_grouped_thumb_double(const eq_fully_connected_grouped_thumb_params *p, const int8_t *input,
                                             int8_t *output);

/* scratch: a word for each group. */
void eq_fully_connected_grouped_thumb2_fast(const eq_fully_connected_grouped_thumb_params *p, const int8_t *input,
                                            int8_t *output, void *scratch);
void eq_fully_connected_grouped_thumb2_single(const eq_fully_connected_grouped_thumb_params *p, const int8_t *input,
                                              int8_t *output, void *scratch);
void eq_fully_connected_grouped_thumb2_double(const eq_fully_connected_grouped_thumb_params *p, const int8_t *input,
                                              int8_t *output, void *scratch);
void eq_fully_connected_grouped_int4_thumb_fast(const eq_fully_connected_grouped_thumb_params *p, const int8_t *input,
                                                int8_t *output, void *scratch);
void eq_fully_connected_grouped_int4_thumb_single(const eq_fully_connected_grouped_thumb_params *p, const int8_t *input,
                                                  int8_t *output, void *scratch);
void eq_fully_connected_grouped_int4_thumb_double(const eq_fully_connected_grouped_thumb_params *p, const int8_t *input,
                                                  int8_t *output, void *scratch);
void eq_fully_connected_grouped_int4_thumb2_fast(const eq_fully_connected_grouped_thumb_params *p, const int8_t *input,
                                                 int8_t *output, void *scratch);
void eq_fully_connected_grouped_int4_thumb2_single(const eq_fully_connected_grouped_thumb_params *p,
                                                   const int8_t *input, int8_t *output, void *scratch);
void eq_fully_connected_grouped_int4_thumb2_double(const eq_fully_connected_grouped_thumb_params *p,
                                                   const int8_t *input, int8_t *output, void *scratch);
void eq_fully_connected_grouped_int2_thumb_fast(const eq_fully_connected_grouped_thumb_params *p, const int8_t *input,
                                                int8_t *output, void *scratch);
void eq_fully_connected_grouped_int2_thumb_single(const eq_fully_connected_grouped_thumb_params *p, const int8_t *input,
                                                  int8_t *output, void *scratch);
void eq_fully_connected_grouped_int2_thumb_double(const eq_fully_connected_grouped_thumb_params *p, const int8_t *input,
                                                  int8_t *output, void *scratch);
void eq_fully_connected_grouped_binary_thumb_fast(const eq_fully_connected_grouped_thumb_params *p, const int8_t *input,
                                                  int8_t *output, void *scratch);
void eq_fully_connected_grouped_binary_thumb_single(const eq_fully_connected_grouped_thumb_params *p,
                                                    const int8_t *input, int8_t *output, void *scratch);
void eq_fully_connected_grouped_binary_thumb_double(const eq_fully_connected_grouped_thumb_params *p,
                                                    const int8_t *input, int8_t *output, void *scratch);

#endif
