#include "gemm_fields.h"

#if defined(__thumb__)

EQ_THUMB_GEMM(eq_thumb_gemm_int4,
              EQ_THUMB_STEP(EQ_FROM("28"), "28") EQ_THUMB_STEP(EQ_FROM("24"), "28") EQ_THUMB_STEP(EQ_FROM("20"), "28")
                  EQ_THUMB_STEP(EQ_FROM("16"), "28") EQ_THUMB_STEP(EQ_FROM("12"), "28")
                      EQ_THUMB_STEP(EQ_FROM("8"), "28") EQ_THUMB_STEP(EQ_FROM("4"), "28") EQ_THUMB_STEP(EQ_LAST, "28"),
              "bne 4b\n\t")

#else

const uint32_t *eq_thumb_gemm_int4(const int32_t *tile, const uint32_t *weights, int32_t *sums, int32_t channels,
                                   const eq_thumb_int4 *shape)
{
    return eq_thumb_products(tile, weights, sums, channels, shape, 4);
}

#endif
