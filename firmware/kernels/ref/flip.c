#include "eq/flip.h"

void eq_flip_ref(const eq_flip_params *p, const int8_t *input, int8_t *output)
{
    for (int32_t i = 0; i < p->size; i++) {
        output[i] = (int8_t)(input[i] < 0 ? input[i] + 128 : input[i] - 128);
    }
}
