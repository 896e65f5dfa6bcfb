#include "eq/simple_rnn_float32_layer.h"

void eq_simple_rnn_float32_dsp(const eq_simple_rnn_float32_params *p, const float *const *inputs, float *sequence,
                               float *hidden, void *scratch)
{
    eq_simple_rnn_float32_layer(p, inputs, sequence, hidden, scratch, eq_matrix_product_dsp);
}
