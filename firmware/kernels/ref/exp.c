#include "eq/exp.h"

#include "eq/float32.h"

void eq_exp_ref_float32(const eq_exp_params *p, const float *input, float *output)
{
    for (int32_t i = 0; i < p->size; i++) {
        output[i] = eq_exp(input[i]);
    }
}
