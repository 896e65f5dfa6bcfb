#include "gemm_fields.h"

#if defined(__thumb2__)

EQ_THUMB_GEMM(eq_thumb2_gemm_int4,
              EQ_THUMB_STEP("0", "4") EQ_THUMB_STEP("4", "4") EQ_THUMB_STEP("8", "4") EQ_THUMB_STEP("12", "4")
                  EQ_THUMB_STEP("16", "4") EQ_THUMB_STEP("20", "4") EQ_THUMB_STEP("24", "4") EQ_THUMB_STEP("28", "4"))

#else

const uint32_t *eq_thumb2_gemm_int4(const int32_t *tile, const uint32_t *weights, int32_t *sums, int32_t channels,
                                    const eq_thumb_int4 *shape)
{
    return eq_thumb_products(tile, weights, sums, channels, shape, 4);
}

#endif
