#include "eq/depthwise_conv2d_mve.h"
#include "eq/requant.h"
#include "unpack_int4.h"

#define DEFINE(suffix, rounding)                                                                                       \
    void eq_depthwise_conv2d_int4_mve_##suffix(const eq_depthwise_conv2d_int4_mve_params *p, const int8_t *input,      \
                                               int8_t *output, void *scratch)                                          \
    {                                                                                                                  \
        eq_depthwise_conv2d_mve_params plain = p->plain;                                                               \
        eq_mve_unpack_int4(p->weights, p->count, scratch);                                                             \
        plain.weights = scratch;                                                                                       \
        eq_depthwise_conv2d_mve_##suffix(&plain, input, output, (int8_t *)scratch + p->count);                         \
    }
EQ_FOR_EACH_ROUNDING(DEFINE)
