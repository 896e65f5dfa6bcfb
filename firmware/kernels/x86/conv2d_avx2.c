#define EQ_X86 EQ_AVX2

#include "conv2d.h"

#define EQ_DEFINE(suffix, rounding) EQ_CONV2D_BODY(eq_conv2d_avx2, suffix, rounding)
EQ_FOR_EACH_ROUNDING(EQ_DEFINE)
