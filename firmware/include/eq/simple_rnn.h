/* A plain recurrent layer over a sequence. */
#ifndef EQ_SIMPLE_RNN_H
#define EQ_SIMPLE_RNN_H

#include <stdint.h>

typedef struct {
    int32_t batch, steps, in_c, units;
    int32_t reverse;                      /* whether the sequence is taken from its end */
    const int8_t *weights, *recurrent;    /* (units, in_c), (units, units) */
    const int32_t *bias, *recurrent_bias; /* (units), zero-points folded in */
    const int32_t *mantissa;              /* (units), to pre-activations */
    const int8_t *shift;
    const int32_t *recurrent_mantissa;
    const int8_t *recurrent_shift;
    const int8_t *initial_hidden; /* (batch, units), or NULL: the next input */
    int32_t clip;                 /* greatest pre-activation; -clip - 1 is the least */
    int32_t hidden_mantissa, hidden_shift, zero_point;
    const int16_t *table; /* 513 entries, or NULL: relu */
} eq_simple_rnn_params;

/* inputs: the sequence; the hidden states. */
void eq_simple_rnn_ref(const eq_simple_rnn_params *p, const int8_t *const *inputs, int8_t *sequence, int8_t *hidden,
                       void *scratch);

#endif
