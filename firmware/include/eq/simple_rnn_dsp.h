/* The plain recurrent layer on cores with the DSP extension. */
#ifndef EQ_SIMPLE_RNN_DSP_H
#define EQ_SIMPLE_RNN_DSP_H

#include <stdint.h>

/* `weights` holds groups of four units, each for the input and then for the hidden state: as four channels of
 * eq_fully_connected_dsp, mixed and without multipliers. What is missing at the end is zero. */
typedef struct {
    int32_t batch, steps, in_c, units;
    int32_t reverse; /* whether the sequence is taken from its end */
    const int32_t *weights;
    const int32_t *mantissa;      /* eight for every group, of the input and of the hidden state, doubled */
    int32_t left, recurrent_left; /* by how many bits sums are shifted before they are multiplied */
    const int8_t *initial_hidden; /* (batch, units), or NULL: the next input */
    int32_t clip;                 /* the greatest absolute value of a pre-activation */
    int32_t hidden_mantissa;      /* doubled */
    int32_t zero_point;
    const int16_t *table; /* 513 entries; NULL: relu */
} eq_simple_rnn_dsp_params;

/* inputs: the sequence; the hidden states. */
void eq_simple_rnn_dsp(const eq_simple_rnn_dsp_params *p, const int8_t *const *inputs, int8_t *sequence, int8_t *hidden,
                       void *scratch);

#endif
