/* From edgeq's parameters to the structures of CMSIS-NN. */
#ifndef EQ_CMSIS_NN_CONVERT_H
#define EQ_CMSIS_NN_CONVERT_H

#include <stddef.h>

#include "arm_nnfunctions.h"

static inline cmsis_nn_dims eq_dims(int32_t n, int32_t h, int32_t w, int32_t c)
{
    const cmsis_nn_dims dims = {.n = n, .h = h, .w = w, .c = c};
    return dims;
}

static inline cmsis_nn_tile eq_tile(int32_t h, int32_t w)
{
    const cmsis_nn_tile tile = {.w = w, .h = h};
    return tile;
}

/* The library takes a buffer for one that is large enough, so none may be given where it asks for no bytes. */
static inline cmsis_nn_context eq_context(void *scratch, int32_t bytes)
{
    const cmsis_nn_context context = {.buf = bytes > 0 ? scratch : NULL, .size = bytes};
    return context;
}

static inline cmsis_nn_activation eq_activation(int32_t qmin, int32_t qmax)
{
    const cmsis_nn_activation activation = {.min = qmin, .max = qmax};
    return activation;
}

/* The library only reads what these point to. */
static inline cmsis_nn_per_channel_quant_params eq_per_channel(const int32_t *multiplier, const int32_t *shift)
{
    const cmsis_nn_per_channel_quant_params params = {.multiplier = (int32_t *)multiplier, .shift = (int32_t *)shift};
    return params;
}

#endif
