#include "eq/esp_nn.h"
#include "esp_nn.h"

void eq_mul_esp_nn(const eq_mul_esp_nn_params *p, const int8_t *a, const int8_t *b, int8_t *output)
{
    esp_nn_mul_elementwise_s8(a, b, p->a_offset, p->b_offset, output, p->zero_point, p->multiplier, p->shift, p->qmin,
                              p->qmax, p->size);
}
