#define EQ_X86 EQ_AVX512_VNNI

#include "depthwise.h"

#define EQ_DEFINE(suffix, rounding) EQ_DEPTHWISE_BODY(eq_depthwise_conv2d_avx512_vnni, suffix, rounding)
EQ_FOR_EACH_ROUNDING(EQ_DEFINE)
