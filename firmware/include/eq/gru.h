/* Gated recurrent units over a sequence. */
#ifndef EQ_GRU_H
#define EQ_GRU_H

#include <stdint.h>

/* Gates are update, reset, candidate, in this order. */
typedef struct {
    int32_t batch, steps, in_c, units;
    int32_t reverse;                      /* whether the sequence is taken from its end */
    int32_t reset_after;                  /* whether the reset gate comes behind the product */
    const int8_t *weights, *recurrent;    /* (3 units, in_c), (3 units, units) */
    const int32_t *bias, *recurrent_bias; /* (3 units), zero-points folded in */
    const int32_t *mantissa;              /* (3 units), to pre-activations */
    const int8_t *shift;
    const int32_t *recurrent_mantissa;
    const int8_t *recurrent_shift;
    const int8_t *initial_hidden;        /* (batch, units), or NULL: the next input */
    int32_t clip;                        /* greatest pre-activation; -clip - 1 is the least */
    int32_t hidden_bits;                 /* bits after the point of the hidden state in 16 bits */
    int32_t widen_mantissa, widen_shift; /* from 8 bits to 16 */
    int32_t narrow_mantissa, narrow_shift;
    int32_t zero_point;            /* of the hidden state in 8 bits */
    const int16_t *sigmoid, *tanh; /* 513 entries each */
} eq_gru_params;

/* inputs: the sequence; the hidden states. */
void eq_gru_ref(const eq_gru_params *p, const int8_t *const *inputs, int8_t *sequence, int8_t *hidden, void *scratch);

#endif
