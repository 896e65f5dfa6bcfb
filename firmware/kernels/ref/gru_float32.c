#include "eq/gru_float32_layer.h"

void eq_gru_float32_ref(const eq_gru_float32_params *p, const float *const *inputs, float *sequence, float *hidden,
                        void *scratch)
{
    eq_gru_float32_layer(p, inputs, sequence, hidden, scratch, eq_matrix_product);
}
