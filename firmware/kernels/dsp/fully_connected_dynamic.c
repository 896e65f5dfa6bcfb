#include "eq/dynamic.h"
#include "eq/float32.h"
#include "eq/fully_connected_stored.h"

void eq_fully_connected_dynamic_dsp(const eq_fully_connected_stored_params *p, const float *input, float *output,
                                    void *scratch)
{
    const float *bias = p->layer.bias;
    for (int32_t row = 0; row < p->layer.rows; row++, input += p->layer.in_c, output += p->layer.out_c) {
        const float step = eq_in_steps(input, p->layer.in_c, scratch);
        eq_dynamic_sums_dsp(&p->weights, p->layer.out_c, scratch, output);
        for (int32_t oc = 0; oc < p->layer.out_c; oc++) {
            const float sum = output[oc] * step;
            output[oc] = eq_within(sum + (bias ? bias[oc] : 0.0f), p->layer.low, p->layer.high);
        }
    }
}
