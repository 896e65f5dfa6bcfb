#include "eq/mat_mul.h"
#include "eq/requant.h"

static inline int8_t *product(const eq_mat_mul_params *p, const int8_t *a, const int8_t *b, int8_t *output,
                              eq_rounding rounding)
{
    for (int32_t row = 0; row < p->rows; row++, a += p->depth) {
        for (int32_t col = 0; col < p->cols; col++) {
            int32_t acc = 0;
            for (int32_t k = 0; k < p->depth; k++) {
                acc += (a[k] - p->a_zero_point) * (b[k * p->cols + col] - p->b_zero_point);
            }
            *output++ = eq_requantize(acc, p->mantissa, p->shift, p->zero_point, p->qmin, p->qmax, rounding);
        }
    }
    return output;
}

static inline void mat_mul(const eq_mat_mul_params *p, const int8_t *a, const int8_t *b, int8_t *output,
                           eq_rounding rounding)
{
    const int32_t batches = p->batch[0] * p->batch[1] * p->batch[2] * p->batch[3];
    for (int32_t i = 0; i < batches; i++) {
        const eq_mat_mul_offsets at = eq_mat_mul_offsets_of(p->batch, p->a_stride, p->b_stride, i);
        output = product(p, a + at.a, b + at.b, output, rounding);
    }
}

#define DEFINE(suffix, rounding)                                                                                       \
    void eq_mat_mul_ref_##suffix(const eq_mat_mul_params *p, const int8_t *a, const int8_t *b, int8_t *output)         \
    {                                                                                                                  \
        mat_mul(p, a, b, output, rounding);                                                                            \
    }                                                                                                                  \
    void eq_mat_mul_const_a_ref_##suffix(const eq_mat_mul_params *p, const int8_t *b, int8_t *output)                  \
    {                                                                                                                  \
        mat_mul(p, p->constant, b, output, rounding);                                                                  \
    }                                                                                                                  \
    void eq_mat_mul_const_b_ref_##suffix(const eq_mat_mul_params *p, const int8_t *a, int8_t *output)                  \
    {                                                                                                                  \
        mat_mul(p, a, p->constant, output, rounding);                                                                  \
    }
EQ_FOR_EACH_ROUNDING(DEFINE)
