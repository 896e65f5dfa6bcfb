/* Long short-term memory over a sequence. */
#ifndef EQ_LSTM_H
#define EQ_LSTM_H

#include <stdint.h>

/* Gates are input, forget, cell, output, in this order. */
typedef struct {
    int32_t batch, steps, in_c, units, out_c;
    int32_t reverse;                      /* whether the sequence is taken from its end */
    const int8_t *weights, *recurrent;    /* (4 units, in_c), (4 units, out_c) */
    const int32_t *bias, *recurrent_bias; /* (4 units), zero-points folded in */
    const int32_t *mantissa;              /* (4 units), to pre-activations */
    const int8_t *shift;
    const int32_t *recurrent_mantissa;
    const int8_t *recurrent_shift;
    const int8_t *initial_hidden; /* (batch, out_c), or NULL: the next input */
    const int16_t *initial_cell;  /* (batch, units), or NULL: the next input */
    const int16_t *peephole;      /* (3, units) of the gates input, forget, output, or NULL */
    int32_t peephole_mantissa[3], peephole_shift[3];
    int32_t cell_bits, cell_clip; /* bits after the point of a cell; greatest absolute value, 0: all */
    int32_t hidden_mantissa, hidden_shift, hidden_zero_point;
    const int8_t *projection; /* (out_c, units), or NULL */
    const int32_t *projection_bias;
    const int32_t *projection_mantissa;
    const int8_t *projection_shift;
    int32_t zero_point, qmin, qmax;            /* of a projected output */
    const int16_t *sigmoid, *tanh, *cell_tanh; /* 513 entries each; with double rounding NULL */
} eq_lstm_params;

/* inputs: the sequence; the hidden states; the cells (int16_t). */
void eq_lstm_ref_fast(const eq_lstm_params *p, const int8_t *const *inputs, int8_t *sequence, int8_t *hidden,
                      int16_t *cell, void *scratch);
void eq_lstm_ref_single(const eq_lstm_params *p, const int8_t *const *inputs, int8_t *sequence, int8_t *hidden,
                        int16_t *cell, void *scratch);
void eq_lstm_ref_double(const eq_lstm_params *p, const int8_t *const *inputs, int8_t *sequence, int8_t *hidden,
                        int16_t *cell, void *scratch);

#endif
