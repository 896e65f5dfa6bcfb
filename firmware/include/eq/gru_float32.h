/* Gated recurrent units over a sequence of float32 vectors. */
#ifndef EQ_GRU_FLOAT32_H
#define EQ_GRU_FLOAT32_H

#include <stdint.h>

#include "eq/matrix_float32.h"

/* Gates are update, reset, candidate, in this order. */
typedef struct {
    int32_t batch, steps, in_c, units;
    int32_t reverse;                         /* whether the sequence is taken from its end */
    int32_t reset_after;                     /* whether the reset gate multiplies a product, or the hidden state */
    eq_matrix weights, recurrent, candidate; /* (3 units, in_c), (2 units, units), (units, units) */
    const float *bias, *recurrent_bias;      /* (3 units) or NULL */
    const float *initial_hidden;             /* (batch, units), or NULL: the next input */
    float clip;                              /* greatest absolute value of an argument of sigmoid and tanh */
} eq_gru_float32_params;

/* inputs: the sequence; the hidden states. scratch: 7 units floats, and that of a product. */
void eq_gru_float32_ref(const eq_gru_float32_params *p, const float *const *inputs, float *sequence, float *hidden,
                        void *scratch);

#endif
