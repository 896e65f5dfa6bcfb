#include "conv2d.h"

#define DEFINE(suffix, rounding)                                                                                       \
    void eq_conv2d_mve_##suffix(const eq_conv2d_mve_params *p, const int8_t *input, int8_t *output, void *scratch)     \
    {                                                                                                                  \
        const int32_t k = eq_mve_window(p);                                                                            \
        eq_mve_conv2d(p, input, output, (int8_t *)scratch, eq_conv_tile_mve_##suffix, eq_gemm_for(k),                  \
                      eq_gemm_count(k), 8, 1);                                                                         \
    }
EQ_FOR_EACH_ROUNDING(DEFINE)
