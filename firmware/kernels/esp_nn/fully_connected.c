#include "eq/esp_nn.h"
#include "esp_nn.h"

void eq_fully_connected_esp_nn(const eq_fully_connected_esp_nn_params *p, const int8_t *input, int8_t *output)
{
    for (int32_t row = 0; row < p->rows; row++, input += p->in_c, output += p->out_c) {
        esp_nn_fully_connected_s8(input, p->input_offset, (uint16_t)p->in_c, p->weights, 0, p->bias, output,
                                  (uint16_t)p->out_c, p->zero_point, p->shift[0], p->multiplier[0], p->qmin, p->qmax);
    }
}

void eq_fully_connected_per_channel_esp_nn(const eq_fully_connected_esp_nn_params *p, const int8_t *input,
                                           int8_t *output)
{
    for (int32_t row = 0; row < p->rows; row++, input += p->in_c, output += p->out_c) {
        esp_nn_fully_connected_per_ch_s8(input, p->input_offset, (uint16_t)p->in_c, p->weights, 0, p->bias, output,
                                         (uint16_t)p->out_c, p->zero_point, p->shift, p->multiplier, p->qmin, p->qmax);
    }
}
