#include "arm_nnfunctions.h"
#include "eq/elementwise_cmsis_nn.h"

void eq_add_cmsis_nn(const eq_add_cmsis_nn_params *p, const int8_t *a, const int8_t *b, int8_t *output)
{
    (void)arm_elementwise_add_s8(a, b, p->a_offset, p->a_multiplier, p->a_shift, p->b_offset, p->b_multiplier,
                                 p->b_shift, p->left_shift, output, p->zero_point, p->multiplier, p->shift, p->qmin,
                                 p->qmax, p->size);
}
