#include "eq/requant.h"
#include "eq/whole_to_real.h"

void eq_whole_to_real_float32_ref(const eq_whole_to_real_float32_params *p, const int32_t *input, float *output)
{
    for (int32_t row = 0; row < p->rows; row++) {
        for (int32_t k = 0; k < p->count; k++) {
            const int32_t whole =
                p->columns ? eq_saturate32((int64_t)input[p->columns[k]] * p->directions[k] + p->addends[k]) : input[k];
            *output++ = (float)whole * p->scale;
        }
        input += p->step;
    }
}
