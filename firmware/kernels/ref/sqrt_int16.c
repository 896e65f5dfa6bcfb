#include "eq/sqrt_int16.h"

#include "eq/float32.h"

void eq_sqrt_int16_ref_double(const eq_sqrt_int16_params *p, const int16_t *input, int16_t *output)
{
    for (int32_t i = 0; i < p->size; i++) {
        const float real = p->in_scale * (float)(input[i] > 0 ? input[i] : 0);
        output[i] = (int16_t)eq_within(eq_sqrt(real) / p->out_scale, 0.0F, 32767.0F);
    }
}
