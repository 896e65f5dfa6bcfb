#define EQ_X86 EQ_AVX2_BYTES

#include "conv2d.h"

#define EQ_DEFINE(suffix, rounding)                                                                                    \
    void eq_conv2d_avx2_bytes_##suffix(const eq_conv2d_x86_params *p, const int8_t *input, int8_t *output,             \
                                       void *scratch)                                                                  \
    {                                                                                                                  \
        eq_conv2d(p, input, output, scratch, rounding);                                                                \
    }
EQ_FOR_EACH_FORM(EQ_DEFINE)
