/* A plain recurrent layer over a sequence of float32 vectors. */
#ifndef EQ_SIMPLE_RNN_FLOAT32_H
#define EQ_SIMPLE_RNN_FLOAT32_H

#include <stdint.h>

#include "eq/matrix_float32.h"

typedef struct {
    int32_t batch, steps, in_c, units;
    int32_t reverse;              /* whether the sequence is taken from its end */
    int32_t function;             /* 0: tanh, 1: sigmoid, 2: relu */
    eq_matrix weights, recurrent; /* (units, in_c), (units, units) */
    const float *bias;            /* (units) or NULL */
    const float *initial_hidden;  /* (batch, units), or NULL: the next input */
    float clip;                   /* greatest absolute value of an argument of the function */
} eq_simple_rnn_float32_params;

/* inputs: the sequence; the hidden states. scratch: 2 units floats, and that of a product. */
void eq_simple_rnn_float32_ref(const eq_simple_rnn_float32_params *p, const float *const *inputs, float *sequence,
                               float *hidden, void *scratch);

#endif
