/* Gated recurrent units with Helium. */
#ifndef EQ_GRU_MVE_H
#define EQ_GRU_MVE_H

#include <stdint.h>

/* Matrices are as eq_fully_connected_mve takes them; those of the hidden state are two, of the gates z and r and of the
 * candidate. Lists of biases and mantissas have room for whole groups and vectors. */
typedef struct {
    int32_t batch, steps, in_c, units;
    int32_t reverse;     /* whether the sequence is taken from its end */
    int32_t reset_after; /* whether the reset gate multiplies the candidate's product with the hidden state */
    const int8_t *weights, *gates, *candidate; /* (3 * units, in_c), (2 * units, units), (units, units) */
    const int32_t *bias, *gates_bias, *candidate_bias;
    const int32_t *mantissa, *recurrent_mantissa;
    int32_t left, recurrent_left; /* by how many bits sums are shifted before they are multiplied */
    const int8_t *initial_hidden; /* (batch, units), or NULL: the next input */
    int32_t clip;                 /* the greatest absolute value of a pre-activation */
    int32_t hidden_bits;          /* after the point of the hidden state in 16 bits */
    int32_t widen_mantissa, widen_shift;
    int32_t narrow_mantissa, zero_point;
    const int16_t *sigmoid, *tanh; /* 513 entries each */
} eq_gru_mve_params;

/* inputs: the sequence; the hidden states. */
void eq_gru_mve(const eq_gru_mve_params *p, const int8_t *const *inputs, int8_t *sequence, int8_t *hidden,
                void *scratch);

#endif
