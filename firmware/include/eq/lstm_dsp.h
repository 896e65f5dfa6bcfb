/* Long short-term memory without peepholes and projection. */
#ifndef EQ_LSTM_DSP_H
#define EQ_LSTM_DSP_H

#include <stdint.h>

/* For every unit, `weights` holds what its four gates are multiplied with: as four channels of eq_fully_connected_dsp,
 * mixed and without multipliers, first those of the input, then those of the hidden state. */
typedef struct {
    int32_t batch, steps, in_c, units;
    int32_t reverse; /* whether the sequence is taken from its end */
    const int32_t *weights;
    const int32_t *mantissa;      /* eight for every unit, of the input and of the hidden state; doubled modulo 2^32 */
    int32_t left, recurrent_left; /* for fast: by how many bits sums are shifted before they are multiplied */
    const int8_t *shift;          /* likewise; to the right, less one, or ~ that to the left; for fast NULL */
    const int8_t *initial_hidden; /* (batch, units), or NULL: the next input */
    const int16_t *initial_cell;  /* (batch, units), or NULL: the next input */
    int32_t cell_bits, cell_clip; /* bits after the point of a cell; greatest absolute value, 0: all */
    int32_t hidden_mantissa, hidden_shift, hidden_zero_point; /* for fast the mantissa is doubled */
    const int16_t *sigmoid, *tanh, *cell_tanh;                /* 513 entries each; for double NULL */
    const int16_t *exp; /* for double: exp at -2^-12, -2 * 2^-12, ... -1/4 without integer bits; for fast NULL */
} eq_lstm_dsp_params;

/* inputs: the sequence; the hidden states; the cells (int16_t). */
void eq_lstm_dsp_fast(const eq_lstm_dsp_params *p, const int8_t *const *inputs, int8_t *sequence, int8_t *hidden,
                      int16_t *cell, void *scratch);
void eq_lstm_dsp_double(const eq_lstm_dsp_params *p, const int8_t *const *inputs, int8_t *sequence, int8_t *hidden,
                        int16_t *cell, void *scratch);

#endif
