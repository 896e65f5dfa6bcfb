#include "eq/lstm_float32_layer.h"

void eq_lstm_float32_dsp(const eq_lstm_float32_params *p, const float *const *inputs, float *sequence, float *hidden,
                         float *cell, void *scratch)
{
    eq_lstm_float32_layer(p, inputs, sequence, hidden, cell, scratch, eq_matrix_product_dsp);
}
