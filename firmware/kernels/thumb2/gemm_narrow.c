#include "gemm_fields.h"

#if defined(__thumb2__)

EQ_THUMB_GEMM(eq_thumb2_gemm_int2,
              EQ_THUMB_STEP("0", "2") EQ_THUMB_STEP("2", "2") EQ_THUMB_STEP("4", "2") EQ_THUMB_STEP("6", "2")
                  EQ_THUMB_STEP("8", "2") EQ_THUMB_STEP("10", "2") EQ_THUMB_STEP("12", "2") EQ_THUMB_STEP("14", "2")
                      EQ_THUMB_STEP("16", "2") EQ_THUMB_STEP("18", "2") EQ_THUMB_STEP("20", "2")
                          EQ_THUMB_STEP("22", "2") EQ_THUMB_STEP("24", "2") EQ_THUMB_STEP("26", "2")
                              EQ_THUMB_STEP("28", "2") EQ_THUMB_STEP("30", "2"))
EQ_THUMB_GEMM(eq_thumb2_gemm_binary,
              EQ_THUMB_STEP("0", "1") EQ_THUMB_STEP("1", "1") EQ_THUMB_STEP("2", "1") EQ_THUMB_STEP("3", "1")
                  EQ_THUMB_STEP("4", "1") EQ_THUMB_STEP("5", "1") EQ_THUMB_STEP("6", "1") EQ_THUMB_STEP("7", "1")
                      EQ_THUMB_STEP("8", "1") EQ_THUMB_STEP("9", "1") EQ_THUMB_STEP("10", "1") EQ_THUMB_STEP("11", "1")
                          EQ_THUMB_STEP("12", "1") EQ_THUMB_STEP("13", "1") EQ_THUMB_STEP("14", "1")
                              EQ_THUMB_STEP("15", "1") EQ_THUMB_STEP("16", "1") EQ_THUMB_STEP("17", "1")
                                  EQ_THUMB_STEP("18", "1") EQ_THUMB_STEP("19", "1") EQ_THUMB_STEP("20", "1")
                                      EQ_THUMB_STEP("21", "1") EQ_THUMB_STEP("22", "1") EQ_THUMB_STEP("23", "1")
                                          EQ_THUMB_STEP("24", "1") EQ_THUMB_STEP("25", "1") EQ_THUMB_STEP("26", "1")
                                              EQ_THUMB_STEP("27", "1") EQ_THUMB_STEP("28", "1") EQ_THUMB_STEP("29", "1")
                                                  EQ_THUMB_STEP("30", "1") EQ_THUMB_STEP("31", "1"))

#else

const uint32_t *eq_thumb2_gemm_int2(const int32_t *tile, const uint32_t *weights, int32_t *sums, int32_t channels,
                                    const eq_thumb_int4 *shape)
{
    return eq_thumb_products(tile, weights, sums, channels, shape, 2);
}

const uint32_t *eq_thumb2_gemm_binary(const int32_t *tile, const uint32_t *weights, int32_t *sums, int32_t channels,
                                      const eq_thumb_int4 *shape)
{
    return eq_thumb_products(tile, weights, sums, channels, shape, 1);
}

#endif
