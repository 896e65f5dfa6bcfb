#include "eq/mat_mul_float32.h"

#include "eq/float32.h"

static inline float *one(const eq_mat_mul_float32_params *p, const float *a, const float *b, float *output)
{
    for (int32_t row = 0; row < p->rows; row++, a += p->depth) {
        for (int32_t column = 0; column < p->cols; column++) {
            float total = 0.0f;
            for (int32_t k = 0; k < p->depth; k++) {
                const float product = a[k] * b[k * p->cols + column];
                total = total + product;
            }
            *output++ = eq_number(total);
        }
    }
    return output;
}

static inline void all(const eq_mat_mul_float32_params *p, const float *a, const float *b, float *output)
{
    const int32_t *sa = p->a_stride, *sb = p->b_stride;
    for (int32_t i = 0; i < p->batch[0]; i++) {
        for (int32_t j = 0; j < p->batch[1]; j++) {
            for (int32_t k = 0; k < p->batch[2]; k++) {
                for (int32_t l = 0; l < p->batch[3]; l++) {
                    output = one(p, a + i * sa[0] + j * sa[1] + k * sa[2] + l * sa[3],
                                 b + i * sb[0] + j * sb[1] + k * sb[2] + l * sb[3], output);
                }
            }
        }
    }
}

void eq_mat_mul_float32_ref(const eq_mat_mul_float32_params *p, const float *a, const float *b, float *output)
{
    all(p, a, b, output);
}

void eq_mat_mul_float32_const_a_ref(const eq_mat_mul_float32_params *p, const float *b, float *output)
{
    all(p, p->constant, b, output);
}

void eq_mat_mul_float32_const_b_ref(const eq_mat_mul_float32_params *p, const float *a, float *output)
{
    all(p, a, p->constant, output);
}
