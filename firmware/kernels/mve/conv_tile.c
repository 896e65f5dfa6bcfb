#include "tile.h"

#define DEFINE(suffix, rounding)                                                                                       \
    void eq_conv_tile_mve_##suffix(const eq_matrix *m, const eq_pixels *x, int8_t *out, int32_t count)                 \
    {                                                                                                                  \
        eq_tile_channels(eq_gemm, m, x, out, count, rounding);                                                         \
    }
EQ_FOR_EACH_ROUNDING(DEFINE)
