#include "gemm_fields.h"

#if defined(__thumb__)

EQ_THUMB_GEMM(eq_thumb_gemm_int2,
              EQ_THUMB_STEP(EQ_FROM("30"), "30") EQ_THUMB_STEP(EQ_FROM("28"), "30") EQ_THUMB_STEP(EQ_FROM("26"), "30")
                  EQ_THUMB_STEP(EQ_FROM("24"), "30") EQ_THUMB_STEP(EQ_FROM("22"), "30")
                      EQ_THUMB_STEP(EQ_FROM("20"), "30") EQ_THUMB_STEP(EQ_FROM("18"), "30")
                          EQ_THUMB_STEP(EQ_FROM("16"), "30") EQ_THUMB_STEP(EQ_FROM("14"), "30")
                              EQ_THUMB_STEP(EQ_FROM("12"), "30") EQ_THUMB_STEP(EQ_FROM("10"), "30")
                                  EQ_THUMB_STEP(EQ_FROM("8"), "30") EQ_THUMB_STEP(EQ_FROM("6"), "30")
                                      EQ_THUMB_STEP(EQ_FROM("4"), "30") EQ_THUMB_STEP(EQ_FROM("2"), "30")
                                          EQ_THUMB_STEP(EQ_LAST, "30"),
              "beq 7f\n\tb 4b\n7:\n\t")
EQ_THUMB_GEMM(
    eq_thumb_gemm_binary,
    EQ_THUMB_STEP(EQ_FROM("31"), "31") EQ_THUMB_STEP(EQ_FROM("30"), "31") EQ_THUMB_STEP(EQ_FROM("29"), "31")
        EQ_THUMB_STEP(EQ_FROM("28"), "31") EQ_THUMB_STEP(EQ_FROM("27"), "31") EQ_THUMB_STEP(EQ_FROM("26"), "31")
            EQ_THUMB_STEP(EQ_FROM("25"), "31") EQ_THUMB_STEP(EQ_FROM("24"), "31") EQ_THUMB_STEP(EQ_FROM("23"), "31")
                EQ_THUMB_STEP(EQ_FROM("22"), "31") EQ_THUMB_STEP(EQ_FROM("21"), "31") EQ_THUMB_STEP(EQ_FROM("20"), "31")
                    EQ_THUMB_STEP(EQ_FROM("19"), "31") EQ_THUMB_STEP(EQ_FROM("18"), "31")
                        EQ_THUMB_STEP(EQ_FROM("17"), "31") EQ_THUMB_STEP(EQ_FROM("16"), "31")
                            EQ_THUMB_STEP(EQ_FROM("15"), "31") EQ_THUMB_STEP(EQ_FROM("14"), "31")
                                EQ_THUMB_STEP(EQ_FROM("13"), "31") EQ_THUMB_STEP(EQ_FROM("12"), "31")
                                    EQ_THUMB_STEP(EQ_FROM("11"), "31") EQ_THUMB_STEP(EQ_FROM("10"), "31")
                                        EQ_THUMB_STEP(EQ_FROM("9"), "31") EQ_THUMB_STEP(EQ_FROM("8"), "31")
                                            EQ_THUMB_STEP(EQ_FROM("7"), "31") EQ_THUMB_STEP(EQ_FROM("6"), "31")
                                                EQ_THUMB_STEP(EQ_FROM("5"), "31") EQ_THUMB_STEP(EQ_FROM("4"), "31")
                                                    EQ_THUMB_STEP(EQ_FROM("3"), "31") EQ_THUMB_STEP(EQ_FROM("2"), "31")
                                                        EQ_THUMB_STEP(EQ_FROM("1"), "31") EQ_THUMB_STEP(EQ_LAST, "31"),
    "beq 7f\n\tb 4b\n7:\n\t")

#else

const uint32_t *eq_thumb_gemm_int2(const int32_t *tile, const uint32_t *weights, int32_t *sums, int32_t channels,
                                   const eq_thumb_int4 *shape)
{
    return eq_thumb_products(tile, weights, sums, channels, shape, 2);
}

const uint32_t *eq_thumb_gemm_binary(const int32_t *tile, const uint32_t *weights, int32_t *sums, int32_t channels,
                                     const eq_thumb_int4 *shape)
{
    return eq_thumb_products(tile, weights, sums, channels, shape, 1);
}

#endif
