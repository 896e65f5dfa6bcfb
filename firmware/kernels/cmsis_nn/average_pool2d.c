#include "eq/pool_cmsis_nn.h"
#include "pool.h"

void eq_average_pool2d_cmsis_nn(const eq_pool_cmsis_nn_params *p, const int8_t *input, int8_t *output, void *scratch)
{
    const cmsis_nn_context context = eq_context(scratch, p->scratch_bytes);
    const cmsis_nn_pool_params params = eq_pool_params(p);
    const cmsis_nn_dims x = eq_dims(p->batch, p->in_h, p->in_w, p->in_c);
    const cmsis_nn_dims window = eq_dims(1, p->kernel_h, p->kernel_w, 1);
    const cmsis_nn_dims y = eq_dims(p->batch, p->out_h, p->out_w, p->out_c);
    (void)arm_avgpool_s8(&context, &params, &x, input, &window, &y, output);
}

int32_t eq_average_pool2d_cmsis_nn_bytes(const eq_pool_cmsis_nn_params *p)
{
    return arm_avgpool_s8_get_buffer_size(p->out_w, p->in_c);
}
