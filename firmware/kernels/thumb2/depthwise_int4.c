#include "eq/depthwise_conv2d_thumb.h"
#include "eq/requant.h"
#include "eq/unpack_int4.h"

/* Each weight is read once for every four columns of every row: they are unpacked before. */
#define DEFINE(suffix, rounding)                                                                                       \
    void eq_depthwise_conv2d_int4_thumb2_##suffix(const eq_depthwise_conv2d_int4_thumb_params *p, const int8_t *input, \
                                                  int8_t *output, void *scratch)                                       \
    {                                                                                                                  \
        const int32_t count = p->plain.out_c * p->plain.kernel_h * p->plain.kernel_w;                                  \
        eq_depthwise_conv2d_thumb_params plain = p->plain;                                                             \
        eq_unpack_int4(p->weights, count, scratch);                                                                    \
        plain.weights = scratch;                                                                                       \
        eq_depthwise_conv2d_thumb2_##suffix(&plain, input, output, (int8_t *)scratch + EQ_UNPACKED_INT4_BYTES(count)); \
    }
EQ_FOR_EACH_ROUNDING(DEFINE)
