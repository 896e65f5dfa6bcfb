#include "eq/mat_mul_int16.h"
#include "eq/requant16.h"

static inline int16_t *product(const eq_mat_mul_int16_params *p, const int16_t *a, const int16_t *b, int16_t *output)
{
    for (int32_t row = 0; row < p->rows; row++, a += p->depth) {
        for (int32_t col = 0; col < p->cols; col++) {
            int64_t acc = 0;
            for (int32_t k = 0; k < p->depth; k++) {
                acc += a[k] * b[k * p->cols + col];
            }
            *output++ = eq_requantize16_wide(acc, p->mantissa, p->shift, p->qmin, p->qmax);
        }
    }
    return output;
}

static inline void mat_mul(const eq_mat_mul_int16_params *p, const int16_t *a, const int16_t *b, int16_t *output)
{
    const int32_t batches = p->batch[0] * p->batch[1] * p->batch[2] * p->batch[3];
    for (int32_t i = 0; i < batches; i++) {
        const eq_mat_mul_offsets at = eq_mat_mul_offsets_of(p->batch, p->a_stride, p->b_stride, i);
        output = product(p, a + at.a, b + at.b, output);
    }
}

void eq_mat_mul_int16_ref(const eq_mat_mul_int16_params *p, const int16_t *a, const int16_t *b, int16_t *output)
{
    mat_mul(p, a, b, output);
}

void eq_mat_mul_int16_const_a_ref(const eq_mat_mul_int16_params *p, const int16_t *b, int16_t *output)
{
    mat_mul(p, p->constant, b, output);
}

void eq_mat_mul_int16_const_b_ref(const eq_mat_mul_int16_params *p, const int16_t *a, int16_t *output)
{
    mat_mul(p, a, p->constant, output);
}
