#include "eq/split.h"
#include <string.h>

void eq_split_ref(const eq_split_params *p, const int8_t *input, int8_t *const *outputs)
{
    for (int32_t n = 0; n < p->rows; n++) {
        for (int32_t k = 0; k < p->count; k++) {
            memcpy(outputs[k] + n * p->sizes[k], input, (size_t)p->sizes[k]);
            input += p->sizes[k];
        }
    }
}

void eq_split_float32_ref(const eq_split_params *p, const float *input, float *const *outputs)
{
    for (int32_t n = 0; n < p->rows; n++) {
        for (int32_t k = 0; k < p->count; k++) {
            memcpy(outputs[k] + n * p->sizes[k], input, (size_t)p->sizes[k] * sizeof *input);
            input += p->sizes[k];
        }
    }
}

void eq_split_int16_ref(const eq_split_params *p, const int16_t *input, int16_t *const *outputs)
{
    for (int32_t n = 0; n < p->rows; n++) {
        for (int32_t k = 0; k < p->count; k++) {
            memcpy(outputs[k] + n * p->sizes[k], input, (size_t)p->sizes[k] * sizeof *input);
            input += p->sizes[k];
        }
    }
}
