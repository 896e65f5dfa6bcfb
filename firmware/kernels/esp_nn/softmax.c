#include "eq/esp_nn.h"
#include "esp_nn.h"

void eq_softmax_esp_nn(const eq_softmax_esp_nn_params *p, const int8_t *input, int8_t *output, void *scratch)
{
    if (esp_nn_get_softmax_scratch_size(p->columns, p->rows) > p->scratch_bytes) {
        esp_nn_softmax_s8_ansi(input, p->rows, p->columns, p->multiplier, p->shift, p->least, output);
        return;
    }
    esp_nn_set_softmax_scratch_buf(scratch);
    esp_nn_softmax_s8(input, p->rows, p->columns, p->multiplier, p->shift, p->least, output);
}
