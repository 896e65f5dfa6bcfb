/* Fully connected layers whose weights have a factor for every group of inputs. */
#ifndef EQ_FULLY_CONNECTED_GROUPED_H
#define EQ_FULLY_CONNECTED_GROUPED_H

#include <stdint.h>

typedef struct {
    int32_t rows, in_c, out_c;
    const uint8_t *weights; /* (out_c, in_c): bytes, or a stream as in packed.h */
    int32_t weight_bits;
    int32_t group;          /* inputs of a group; the last one may have fewer */
    const uint8_t *factors; /* (out_c, groups) */
    const int32_t *bias;    /* one per output channel, input zero-point folded in */
    const int32_t *mantissa;
    const int8_t *shift;
    int32_t zero_point, qmin, qmax;
} eq_fully_connected_grouped_params;

typedef struct {
    eq_fully_connected_grouped_params layer;
    const int8_t *zeros; /* (out_c, groups): zero-points of weights */
} eq_fully_connected_grouped_zeros_params;

/* The sums of a group are multiplied by its factor and added to those of the channel. */
void eq_fully_connected_grouped_ref_fast(const eq_fully_connected_grouped_params *p, const int8_t *input,
                                         int8_t *output);
void eq_fully_connected_grouped_ref_single(const eq_fully_connected_grouped_params *p, const int8_t *input,
                                           int8_t *output);
void eq_fully_connected_grouped_ref_double(const eq_fully_connected_grouped_params *p, const int8_t *input,
                                           int8_t *output);

/* Less, before that, the group's zero-point times the sum of its inputs. scratch: a word for each group. */
void eq_fully_connected_grouped_zeros_ref_fast(const eq_fully_connected_grouped_zeros_params *p, const int8_t *input,
                                               int8_t *output, void *scratch);
void eq_fully_connected_grouped_zeros_ref_single(const eq_fully_connected_grouped_zeros_params *p, const int8_t *input,
                                                 int8_t *output, void *scratch);
void eq_fully_connected_grouped_zeros_ref_double(const eq_fully_connected_grouped_zeros_params *p, const int8_t *input,
                                                 int8_t *output, void *scratch);

#endif
