#include "eq/svdf_float32_layer.h"

void eq_svdf_float32_ref(const eq_svdf_float32_params *p, const float *const *inputs, float *output, float *state,
                         void *scratch)
{
    eq_svdf_float32_layer(p, inputs, output, state, scratch, eq_matrix_product);
}
