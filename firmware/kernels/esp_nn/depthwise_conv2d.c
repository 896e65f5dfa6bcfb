#include "convert.h"
#include "eq/esp_nn.h"

/* The library computes one image at a time. */
void eq_depthwise_conv2d_esp_nn(const eq_conv_esp_nn_params *p, const int8_t *input, int8_t *output, void *scratch)
{
    const dw_conv_params_t params = {
        .in_offset = p->input_offset,
        .out_offset = p->zero_point,
        .ch_mult = p->out_c / p->in_c,
        .stride = eq_esp_pair(p->stride_h, p->stride_w),
        .padding = eq_esp_pair(p->pad_top, p->pad_left),
        .dilation = eq_esp_pair(p->dilation_h, p->dilation_w),
        .activation = {.min = p->qmin, .max = p->qmax},
    };
    const quant_data_t factors = eq_esp_factors(p->multiplier, p->shift);
    const data_dims_t x = eq_esp_dims(p->in_h, p->in_w, p->in_c);
    const data_dims_t w = eq_esp_dims(p->kernel_h, p->kernel_w, p->out_c);
    const data_dims_t y = eq_esp_dims(p->out_h, p->out_w, p->out_c);
    const int fits = esp_nn_get_depthwise_conv_scratch_size(&x, &w, &y, &params) <= p->scratch_bytes;
    if (fits) {
        esp_nn_set_depthwise_conv_scratch_buf(scratch);
    }
    for (int32_t n = 0; n < p->batch; n++) {
        const int8_t *image = input + n * p->in_h * p->in_w * p->in_c;
        int8_t *result = output + n * p->out_h * p->out_w * p->out_c;
        if (fits) {
            esp_nn_depthwise_conv_s8(&x, image, &w, p->weights, p->bias, &y, result, &params, &factors);
        } else {
            esp_nn_depthwise_conv_s8_ansi(&x, image, &w, p->weights, p->bias, &y, result, &params, &factors);
        }
    }
}
