#include "arm_nnfunctions.h"
#include "eq/elementwise_cmsis_nn.h"

void eq_mul_cmsis_nn(const eq_mul_cmsis_nn_params *p, const int8_t *a, const int8_t *b, int8_t *output)
{
    (void)arm_elementwise_mul_s8(a, b, p->a_offset, p->b_offset, output, p->zero_point, p->multiplier, p->shift,
                                 p->qmin, p->qmax, p->size);
}
