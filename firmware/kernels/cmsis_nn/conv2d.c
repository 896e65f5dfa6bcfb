#include "convert.h"
#include "eq/conv_cmsis_nn.h"

static cmsis_nn_conv_params conv_params(const eq_conv_cmsis_nn_params *p)
{
    const cmsis_nn_conv_params params = {
        .input_offset = p->input_offset,
        .output_offset = p->zero_point,
        .stride = eq_tile(p->stride_h, p->stride_w),
        .padding = eq_tile(p->pad_top, p->pad_left),
        .dilation = eq_tile(p->dilation_h, p->dilation_w),
        .activation = eq_activation(p->qmin, p->qmax),
    };
    return params;
}

void eq_conv2d_cmsis_nn(const eq_conv_cmsis_nn_params *p, const int8_t *input, int8_t *output, void *scratch)
{
    const cmsis_nn_context context = eq_context(scratch, p->scratch_bytes);
    const cmsis_nn_conv_params params = conv_params(p);
    const cmsis_nn_per_channel_quant_params quant = eq_per_channel(p->multiplier, p->shift);
    const cmsis_nn_dims x = eq_dims(p->batch, p->in_h, p->in_w, p->in_c);
    const cmsis_nn_dims w = eq_dims(p->out_c, p->kernel_h, p->kernel_w, p->in_c / p->groups);
    const cmsis_nn_dims b = eq_dims(1, 1, 1, p->out_c);
    const cmsis_nn_dims y = eq_dims(p->batch, p->out_h, p->out_w, p->out_c);
    (void)arm_convolve_wrapper_s8(&context, &params, &quant, &x, input, &w, p->weights, &b, p->bias, &y, output);
}

int32_t eq_conv2d_cmsis_nn_bytes(const eq_conv_cmsis_nn_params *p)
{
    const cmsis_nn_conv_params params = conv_params(p);
    const cmsis_nn_dims x = eq_dims(p->batch, p->in_h, p->in_w, p->in_c);
    const cmsis_nn_dims w = eq_dims(p->out_c, p->kernel_h, p->kernel_w, p->in_c / p->groups);
    const cmsis_nn_dims y = eq_dims(p->batch, p->out_h, p->out_w, p->out_c);
    return arm_convolve_wrapper_s8_get_buffer_size(&params, &x, &w, &y);
}
