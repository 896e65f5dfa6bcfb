#include "conv2d.h"
#include "gemm_int4.h"

#define DEFINE(suffix, rounding)                                                                                       \
    void eq_conv2d_int4_mve_##suffix(const eq_conv2d_mve_params *p, const int8_t *input, int8_t *output,               \
                                     void *scratch)                                                                    \
    {                                                                                                                  \
        const int32_t k = eq_mve_window(p);                                                                            \
        eq_mve_conv2d(p, input, output, (int8_t *)scratch, eq_conv_tile_int4_mve_##suffix, eq_gemm_int4_for(k),        \
                      eq_gemm_int4_count(k), 4, 1);                                                                    \
    }
EQ_FOR_EACH_ROUNDING(DEFINE)
