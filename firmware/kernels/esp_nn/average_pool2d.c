#include "eq/esp_nn.h"
#include "esp_nn.h"

void eq_average_pool2d_esp_nn(const eq_pool_esp_nn_params *p, const int8_t *input, int8_t *output)
{
    for (int32_t n = 0; n < p->batch; n++) {
        esp_nn_avg_pool_s8(input + n * p->in_h * p->in_w * p->in_c, (uint16_t)p->in_w, (uint16_t)p->in_h,
                           output + n * p->out_h * p->out_w * p->out_c, (uint16_t)p->out_w, (uint16_t)p->out_h,
                           (uint16_t)p->stride_w, (uint16_t)p->stride_h, (uint16_t)p->kernel_w, (uint16_t)p->kernel_h,
                           (uint16_t)p->pad_left, (uint16_t)p->pad_top, p->qmin, p->qmax, (uint16_t)p->in_c);
    }
}
