/* Gated recurrent units on cores with the DSP extension. */
#ifndef EQ_GRU_DSP_H
#define EQ_GRU_DSP_H

#include <stdint.h>

/* `weights` holds groups of four rows, each for the input and then for the hidden state: as four channels of
 * eq_fully_connected_dsp, mixed and without multipliers. First come the gates z and r of two units at a time, then the
 * candidates of four; what is missing at the ends is zero. */
typedef struct {
    int32_t batch, steps, in_c, units;
    int32_t reverse;     /* whether the sequence is taken from its end */
    int32_t reset_after; /* whether the reset gate multiplies the candidate's product with the hidden state */
    const int32_t *weights;
    const int32_t *mantissa;      /* eight for every group, of the input and of the hidden state, doubled */
    int32_t left, recurrent_left; /* by how many bits sums are shifted before they are multiplied */
    const int8_t *initial_hidden; /* (batch, units), or NULL: the next input */
    int32_t clip;                 /* the greatest absolute value of a pre-activation */
    int32_t hidden_bits;          /* after the point of the hidden state in 16 bits */
    int32_t widen_mantissa, widen_shift;
    int32_t narrow_mantissa; /* doubled */
    int32_t zero_point;
    const int16_t *sigmoid, *tanh; /* 513 entries each */
} eq_gru_dsp_params;

/* inputs: the sequence; the hidden states. */
void eq_gru_dsp(const eq_gru_dsp_params *p, const int8_t *const *inputs, int8_t *sequence, int8_t *hidden,
                void *scratch);

#endif
