#include "eq/esp_nn.h"
#include "esp_nn.h"

void eq_add_esp_nn(const eq_add_esp_nn_params *p, const int8_t *a, const int8_t *b, int8_t *output)
{
    esp_nn_add_elementwise_s8(a, b, p->a_offset, p->b_offset, p->a_multiplier, p->b_multiplier, p->a_shift, p->b_shift,
                              p->left_shift, output, p->zero_point, p->multiplier, p->shift, p->qmin, p->qmax, p->size);
}
