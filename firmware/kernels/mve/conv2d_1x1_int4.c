#include "conv2d_1x1.h"
#include "gemm_int4.h"

#define DEFINE(suffix, rounding)                                                                                       \
    void eq_conv2d_1x1_int4_mve_##suffix(const eq_conv2d_mve_params *p, const int8_t *input, int8_t *output)           \
    {                                                                                                                  \
        eq_mve_conv2d_1x1(p, input, output, eq_conv_tile_int4_mve_##suffix, eq_gemm_int4_for(p->in_c),                 \
                          eq_gemm_int4_count(p->in_c), 4, 1);                                                          \
    }
EQ_FOR_EACH_ROUNDING(DEFINE)
