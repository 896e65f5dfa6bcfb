#include "eq/whole_product.h"

static inline int32_t *one(const eq_whole_product_params *p, const int32_t *a, const int32_t *b, int32_t *output)
{
    for (int32_t row = 0; row < p->rows; row++, a += p->depth) {
        for (int32_t column = 0; column < p->cols; column++) {
            uint32_t total = 0;
            for (int32_t k = 0; k < p->depth; k++) {
                total += (uint32_t)a[k] * (uint32_t)b[k * p->cols + column];
            }
            *output++ = (int32_t)total;
        }
    }
    return output;
}

static inline void all(const eq_whole_product_params *p, const int32_t *a, const int32_t *b, int32_t *output)
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

void eq_whole_product_ref(const eq_whole_product_params *p, const int32_t *a, const int32_t *b, int32_t *output)
{
    all(p, a, b, output);
}

void eq_whole_product_const_a_ref(const eq_whole_product_params *p, const int32_t *b, int32_t *output)
{
    all(p, p->constant, b, output);
}

void eq_whole_product_const_b_ref(const eq_whole_product_params *p, const int32_t *a, int32_t *output)
{
    all(p, a, p->constant, output);
}
