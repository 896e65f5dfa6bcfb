#define EQ_X86 EQ_AVX2

#include "eq/mul_x86.h"
#include "vectors.h"

enum { EQ_LAST = EQ_MAX_RANK - 1 };

/* A row of an operand: `step` elements further for each. One element that stands for all is repeated for a vector. */
typedef struct {
    const int8_t *at;
    int32_t step;
    int8_t all[EQ_LANES];
} eq_operand;

EQ_INLINE void eq_operand_row(eq_operand *row, const int8_t *at, int32_t step)
{
    row->at = at;
    row->step = step;
    if (step == 0) {
        memset(row->all, *at, sizeof row->all);
        row->at = row->all;
    }
}

EQ_INLINE eq_sums eq_product(const int8_t *a, const int8_t *b, const eq_mul_x86_params *p, const eq_factors *factors,
                             eq_rounding rounding)
{
    const eq_sums x = eq_add(eq_widen(a), eq_all(-p->a_zero_point));
    const eq_sums y = eq_add(eq_widen(b), eq_all(-p->b_zero_point));
    return eq_scaled(eq_add(eq_times(x, y), eq_all(p->bias)), factors, rounding);
}

EQ_INLINE void eq_mul_row(const eq_mul_x86_params *p, const eq_operand *a, const eq_operand *b, int8_t *output,
                          const eq_factors *factors, eq_bounds bounds, eq_rounding rounding)
{
    const int32_t n = p->shape[EQ_LAST];
    int32_t i = 0;
    for (; i + EQ_LANES <= n; i += EQ_LANES) {
        const eq_sums found = eq_product(a->at + i * a->step, b->at + i * b->step, p, factors, rounding);
        eq_store_sums(output + i, found, bounds);
    }
    if (i < n) {
        const size_t left = (size_t)(n - i);
        int8_t x[EQ_LANES] = {0}, y[EQ_LANES] = {0}, last[EQ_LANES];
        memcpy(x, a->at + i * a->step, left);
        memcpy(y, b->at + i * b->step, left);
        eq_store_sums(last, eq_product(x, y, p, factors, rounding), bounds);
        memcpy(output + i, last, left);
    }
}

EQ_INLINE void eq_mul(const eq_mul_x86_params *q, const int8_t *a, const int8_t *b, int8_t *output,
                      eq_rounding rounding)
{
    const eq_mul_x86_params own = *q, *const p = &own; /* what is stored cannot change it: it stays in registers */
    const eq_bounds bounds = eq_bounds_of(p->zero_point, p->qmin, p->qmax);
    int32_t multiplier[EQ_LANES], shift[EQ_LANES];
    for (int32_t i = 0; i < EQ_LANES; i++) {
        multiplier[i] = p->multiplier;
        shift[i] = p->shift;
    }
    const eq_factors factors = eq_factors_of(multiplier, shift, rounding);
    eq_walk walk = eq_walk_start(a, b);
    do {
        eq_operand first, second;
        eq_operand_row(&first, walk.first, p->a_stride[EQ_LAST]);
        eq_operand_row(&second, walk.second, p->b_stride[EQ_LAST]);
        eq_mul_row(p, &first, &second, output, &factors, bounds, rounding);
        output += p->shape[EQ_LAST];
    } while (eq_walk_next(&walk, p->shape, p->a_stride, p->b_stride));
}

#define EQ_DEFINE(suffix, rounding)                                                                                    \
    void eq_mul_avx2_##suffix(const eq_mul_x86_params *p, const int8_t *a, const int8_t *b, int8_t *output)            \
    {                                                                                                                  \
        eq_mul(p, a, b, output, rounding);                                                                             \
    }                                                                                                                  \
    void eq_mul_const_avx2_##suffix(const eq_mul_x86_params *p, const int8_t *a, int8_t *output)                       \
    {                                                                                                                  \
        eq_mul(p, a, p->constant, output, rounding);                                                                   \
    }
EQ_FOR_EACH_FORM(EQ_DEFINE)
