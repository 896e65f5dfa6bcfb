#define EQ_X86 EQ_AVX_VNNI

#include "mat_mul.h"

#define EQ_DEFINE(suffix, rounding)                                                                                    \
    void eq_mat_mul_avx_vnni_##suffix(const eq_mat_mul_params *p, const int8_t *a, const int8_t *b, int8_t *output,    \
                                      void *scratch)                                                                   \
    {                                                                                                                  \
        eq_mat_mul(p, a, b, output, scratch, rounding);                                                                \
    }                                                                                                                  \
    void eq_mat_mul_const_a_avx_vnni_##suffix(const eq_mat_mul_params *p, const int8_t *b, int8_t *output,             \
                                              void *scratch)                                                           \
    {                                                                                                                  \
        eq_mat_mul(p, p->constant, b, output, scratch, rounding);                                                      \
    }                                                                                                                  \
    void eq_mat_mul_const_b_avx_vnni_##suffix(const eq_mat_mul_params *p, const int8_t *a, int8_t *output,             \
                                              void *scratch)                                                           \
    {                                                                                                                  \
        eq_mat_mul(p, a, p->constant, output, scratch, rounding);                                                      \
    }
EQ_FOR_EACH_ROUNDING(EQ_DEFINE)
