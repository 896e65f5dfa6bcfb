/* Long short-term memory without peepholes and projection. */
#ifndef EQ_LSTM_MVE_H
#define EQ_LSTM_MVE_H

#include <stdint.h>

/* Weights are as those of eq_fully_connected_mve; biases and mantissas have zeros after them, so many that six, and
 * vectors of four that begin within them, end within them. */
typedef struct {
    int32_t batch, steps, in_c, units;
    int32_t reverse; /* whether the sequence is taken from its end */
    const int8_t *weights, *recurrent;
    const int32_t *bias, *recurrent_bias;
    const int32_t *mantissa, *recurrent_mantissa;
    const int32_t *shift, *recurrent_shift; /* to the left, or negative; for fast NULL */
    int32_t left, recurrent_left;           /* for fast: by how many bits sums are shifted before they are multiplied */
    const int8_t *initial_hidden;           /* (batch, units), or NULL: the next input */
    const int16_t *initial_cell;            /* (batch, units), or NULL: the next input */
    int32_t cell_bits, cell_clip;           /* bits after the point of a cell; greatest absolute value, 0: all */
    int32_t hidden_mantissa, hidden_shift, hidden_zero_point;
    const int16_t *sigmoid, *tanh, *cell_tanh; /* 513 entries each; for double NULL */
    const int16_t *exp;                        /* for double: as in eq_lstm_dsp_params; for fast NULL */
} eq_lstm_mve_params;

/* inputs: the sequence; the hidden states; the cells (int16_t). */
void eq_lstm_mve_fast(const eq_lstm_mve_params *p, const int8_t *const *inputs, int8_t *sequence, int8_t *hidden,
                      int16_t *cell, void *scratch);
void eq_lstm_mve_double(const eq_lstm_mve_params *p, const int8_t *const *inputs, int8_t *sequence, int8_t *hidden,
                        int16_t *cell, void *scratch);

#endif
