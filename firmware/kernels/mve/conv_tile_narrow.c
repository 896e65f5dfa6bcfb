#include "gemm_narrow.h"
#include "tile.h"

#define DEFINE_INT2(suffix, rounding)                                                                                  \
    void eq_conv_tile_int2_mve_##suffix(const eq_matrix *m, const eq_pixels *x, int8_t *out, int32_t count)            \
    {                                                                                                                  \
        eq_tile_channels(eq_gemm_int2_mve, m, x, out, count, rounding);                                                \
    }
#define DEFINE_BINARY(suffix, rounding)                                                                                \
    void eq_conv_tile_binary_mve_##suffix(const eq_matrix *m, const eq_pixels *x, int8_t *out, int32_t count)          \
    {                                                                                                                  \
        eq_tile_channels(eq_gemm_binary_mve, m, x, out, count, rounding);                                              \
    }
EQ_FOR_EACH_ROUNDING(DEFINE_INT2)
EQ_FOR_EACH_ROUNDING(DEFINE_BINARY)
