/* Long short-term memory over a sequence of float32 vectors. */
#ifndef EQ_LSTM_FLOAT32_H
#define EQ_LSTM_FLOAT32_H

#include <stdint.h>

#include "eq/matrix_float32.h"

/* Gates are input, forget, cell, output, in this order. */
typedef struct {
    int32_t batch, steps, in_c, units, out_c;
    int32_t reverse;                            /* whether the sequence is taken from its end */
    eq_matrix weights, recurrent, projection;   /* (4 units, in_c), (4 units, out_c); (out_c, units), or no rows */
    const float *bias, *projection_bias;        /* (4 units), (out_c), or NULL */
    const float *initial_hidden, *initial_cell; /* (batch, out_c), (batch, units), or NULL: the next input */
    const float *peephole;                      /* (3, units) of the gates input, forget, output, or NULL */
    float cell_clip, projection_clip;           /* greatest absolute values */
} eq_lstm_float32_params;

/* inputs: the sequence; the hidden states; the cells. scratch: 9 units floats, and that of a product. */
void eq_lstm_float32_ref(const eq_lstm_float32_params *p, const float *const *inputs, float *sequence, float *hidden,
                         float *cell, void *scratch);

#endif
