#include "conv2d_fields.h"

#define DEFINE(suffix, rounding)                                                                                       \
    void eq_conv2d_int4_thumb_##suffix(const eq_conv2d_int4_thumb_params *p, const int8_t *input, int8_t *output,      \
                                       void *scratch)                                                                  \
    {                                                                                                                  \
        const int direct = eq_thumb_is_direct(rounding, p->shift, p->out_c);                                           \
        eq_thumb_int4_conv2d(p, input, output, scratch, eq_thumb_gemm_int4, store, direct, 0, rounding);               \
    }
EQ_FOR_EACH_ROUNDING(DEFINE)
