#include "conv2d_fields.h"

#define DEFINE_INT2(suffix, rounding)                                                                                  \
    void eq_conv2d_int2_thumb_##suffix(const eq_conv2d_int4_thumb_params *p, const int8_t *input, int8_t *output,      \
                                       void *scratch)                                                                  \
    {                                                                                                                  \
        const int direct = eq_thumb_is_direct(rounding, p->shift, p->out_c);                                           \
        eq_thumb_int4_conv2d(p, input, output, scratch, eq_thumb_gemm_int2, store, direct, 0, rounding);               \
    }
#define DEFINE_BINARY(suffix, rounding)                                                                                \
    void eq_conv2d_binary_thumb_##suffix(const eq_conv2d_int4_thumb_params *p, const int8_t *input, int8_t *output,    \
                                         void *scratch)                                                                \
    {                                                                                                                  \
        const int direct = eq_thumb_is_direct(rounding, p->shift, p->out_c);                                           \
        eq_thumb_int4_conv2d(p, input, output, scratch, eq_thumb_gemm_binary, store, direct, 1, rounding);             \
    }
EQ_FOR_EACH_ROUNDING(DEFINE_INT2)
EQ_FOR_EACH_ROUNDING(DEFINE_BINARY)
