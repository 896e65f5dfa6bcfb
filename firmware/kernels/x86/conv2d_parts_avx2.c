#define EQ_X86 EQ_AVX2

#include "conv2d_parts.h"

#define EQ_DEFINE(suffix, rounding)                                                                                    \
    void eq_conv2d_parts_avx2_##suffix(const eq_conv2d_parts_x86_params *p, const int8_t *input, int8_t *output,       \
                                       void *scratch)                                                                  \
    {                                                                                                                  \
        eq_conv2d_parts(p, input, output, scratch, rounding);                                                          \
    }
EQ_FOR_EACH_FORM(EQ_DEFINE)
