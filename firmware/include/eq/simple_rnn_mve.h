/* The plain recurrent layer with Helium. */
#ifndef EQ_SIMPLE_RNN_MVE_H
#define EQ_SIMPLE_RNN_MVE_H

#include <stdint.h>

/* Matrices are as eq_fully_connected_mve takes them. Lists of biases and mantissas have room for whole groups and
 * vectors. */
typedef struct {
    int32_t batch, steps, in_c, units;
    int32_t reverse;                   /* whether the sequence is taken from its end */
    const int8_t *weights, *recurrent; /* (units, in_c), (units, units) */
    const int32_t *bias, *recurrent_bias;
    const int32_t *mantissa, *recurrent_mantissa;
    int32_t left, recurrent_left; /* by how many bits sums are shifted before they are multiplied */
    const int8_t *initial_hidden; /* (batch, units), or NULL: the next input */
    int32_t clip;                 /* the greatest absolute value of a pre-activation */
    int32_t hidden_mantissa, zero_point;
    const int16_t *table; /* 513 entries; NULL: relu */
} eq_simple_rnn_mve_params;

/* inputs: the sequence; the hidden states. */
void eq_simple_rnn_mve(const eq_simple_rnn_mve_params *p, const int8_t *const *inputs, int8_t *sequence, int8_t *hidden,
                       void *scratch);

#endif
