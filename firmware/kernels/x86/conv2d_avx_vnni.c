#define EQ_X86 EQ_AVX_VNNI

#include "conv2d.h"

#define EQ_DEFINE(suffix, rounding) EQ_CONV2D_BODY(eq_conv2d_avx_vnni, suffix, rounding)
EQ_FOR_EACH_ROUNDING(EQ_DEFINE)
