/* From edgeq's parameters to the structures of ESP-NN. */
#ifndef EQ_ESP_NN_CONVERT_H
#define EQ_ESP_NN_CONVERT_H

#include "esp_nn.h"

static inline data_dims_t eq_esp_dims(int32_t h, int32_t w, int32_t c)
{
    const data_dims_t dims = {.width = w, .height = h, .channels = c, .extra = 1};
    return dims;
}

static inline data_2d_t eq_esp_pair(int32_t h, int32_t w)
{
    const data_2d_t pair = {.width = w, .height = h};
    return pair;
}

/* The library only reads what these point to. */
static inline quant_data_t eq_esp_factors(const int32_t *multiplier, const int32_t *shift)
{
    const quant_data_t factors = {.shift = (int32_t *)shift, .mult = (int32_t *)multiplier};
    return factors;
}

#endif
