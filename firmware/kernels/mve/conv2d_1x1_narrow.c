#include "conv2d_1x1.h"
#include "gemm_narrow.h"

#define DEFINE_INT2(suffix, rounding)                                                                                  \
    void eq_conv2d_1x1_int2_mve_##suffix(const eq_conv2d_mve_params *p, const int8_t *input, int8_t *output)           \
    {                                                                                                                  \
        eq_mve_conv2d_1x1(p, input, output, eq_conv_tile_int2_mve_##suffix, EQ_GEMM_ANY, p->in_c, 2, 1);               \
    }
#define DEFINE_BINARY(suffix, rounding)                                                                                \
    void eq_conv2d_1x1_binary_mve_##suffix(const eq_conv2d_mve_params *p, const int8_t *input, int8_t *output)         \
    {                                                                                                                  \
        eq_mve_conv2d_1x1(p, input, output, eq_conv_tile_binary_mve_##suffix, EQ_GEMM_ANY, p->in_c, 1, 1);             \
    }
EQ_FOR_EACH_ROUNDING(DEFINE_INT2)
EQ_FOR_EACH_ROUNDING(DEFINE_BINARY)
