#include "arm_nnfunctions.h"
#include "eq/softmax_cmsis_nn.h"

void eq_softmax_cmsis_nn(const eq_softmax_cmsis_nn_params *p, const int8_t *input, int8_t *output)
{
    arm_softmax_s8(input, p->rows, p->columns, p->multiplier, p->shift, p->least, output);
}
