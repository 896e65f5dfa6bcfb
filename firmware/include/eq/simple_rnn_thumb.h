/* The plain recurrent layer on Armv6-M and Armv7-M. */
#ifndef EQ_SIMPLE_RNN_THUMB_H
#define EQ_SIMPLE_RNN_THUMB_H

#include <stdint.h>

/* Rows of weights, and what belongs to them, are filled up to a multiple of four. Armv6-M takes weights as they are,
 * Armv7-M as eq_fully_connected_thumb2 does. */
typedef struct {
    int32_t batch, steps, in_c, units;
    int32_t reverse; /* whether the sequence is taken from its end */
    const int8_t *weights, *recurrent;
    const int32_t *bias, *recurrent_bias; /* zero-points folded in */
    const int32_t *mantissa, *recurrent_mantissa;
    int32_t left, recurrent_left; /* by how many bits sums are shifted before they are multiplied */
    const int8_t *initial_hidden; /* (batch, units), or NULL: the next input */
    int32_t clip;                 /* the greatest absolute value of a pre-activation */
    int32_t hidden_mantissa;
    int32_t zero_point;
    const int16_t *table; /* 513 entries; NULL: relu */
} eq_simple_rnn_thumb_params;

/* inputs: the sequence; the hidden states. */
void eq_simple_rnn_thumb(const eq_simple_rnn_thumb_params *p, const int8_t *const *inputs, int8_t *sequence,
                         int8_t *hidden, void *scratch);
void eq_simple_rnn_thumb2(const eq_simple_rnn_thumb_params *p, const int8_t *const *inputs, int8_t *sequence,
                          int8_t *hidden, void *scratch);

#endif
