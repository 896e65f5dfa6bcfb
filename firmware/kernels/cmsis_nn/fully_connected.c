#include "convert.h"
#include "eq/fully_connected_cmsis_nn.h"

/* On Helium the buffer holds the sums of the weights, which are constants; elsewhere it is not used. */
static cmsis_nn_context sums(const eq_fully_connected_cmsis_nn_params *p)
{
    const cmsis_nn_context context = {.buf = (int32_t *)p->sums, .size = p->sums == NULL ? 0 : 4 * p->out_c};
    return context;
}

static cmsis_nn_fc_params layer(const eq_fully_connected_cmsis_nn_params *p)
{
    const cmsis_nn_fc_params params = {
        .input_offset = p->input_offset,
        .filter_offset = 0,
        .output_offset = p->zero_point,
        .activation = eq_activation(p->qmin, p->qmax),
    };
    return params;
}

void eq_fully_connected_cmsis_nn(const eq_fully_connected_cmsis_nn_params *p, const int8_t *input, int8_t *output)
{
    const cmsis_nn_context context = sums(p);
    const cmsis_nn_fc_params params = layer(p);
    const cmsis_nn_per_tensor_quant_params quant = {.multiplier = p->multiplier[0], .shift = p->shift[0]};
    const cmsis_nn_dims x = eq_dims(p->rows, 1, 1, p->in_c), w = eq_dims(p->in_c, 1, 1, p->out_c);
    const cmsis_nn_dims b = eq_dims(1, 1, 1, p->out_c), y = eq_dims(p->rows, 1, 1, p->out_c);
    (void)arm_fully_connected_s8(&context, &params, &quant, &x, input, &w, p->weights, &b, p->bias, &y, output);
}

void eq_fully_connected_per_channel_cmsis_nn(const eq_fully_connected_cmsis_nn_params *p, const int8_t *input,
                                             int8_t *output)
{
    const cmsis_nn_context context = sums(p);
    const cmsis_nn_fc_params params = layer(p);
    const cmsis_nn_per_channel_quant_params quant = eq_per_channel(p->multiplier, p->shift);
    const cmsis_nn_dims x = eq_dims(p->rows, 1, 1, p->in_c), w = eq_dims(p->in_c, 1, 1, p->out_c);
    const cmsis_nn_dims b = eq_dims(1, 1, 1, p->out_c), y = eq_dims(p->rows, 1, 1, p->out_c);
    (void)arm_fully_connected_per_channel_s8(&context, &params, &quant, &x, input, &w, p->weights, &b, p->bias, &y,
                                             output);
}
