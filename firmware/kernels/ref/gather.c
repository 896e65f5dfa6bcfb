#include "eq/gather.h"
#include "eq/copy.h"

void eq_gather_ref(const eq_gather_params *p, const int8_t *input, int8_t *output)
{
    const int32_t count = p->count, run = p->run;
    for (int32_t block = 0; block < p->outer; block++) {
        if (run == 1) {
            for (int32_t i = 0; i < count; i++) {
                output[i] = input[p->places[i]];
            }
        } else {
            for (int32_t i = 0; i < count; i++) {
                eq_copy(output + i * run, input + p->places[i] * run, run);
            }
        }
        input += p->step;
        output += count * run;
    }
}

void eq_gather_float32_ref(const eq_gather_params *p, const float *input, float *output)
{
    eq_gather_ref(p, (const int8_t *)input, (int8_t *)output);
}
