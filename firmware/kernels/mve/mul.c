#include "eq/mul_mve.h"
#include "operand.h"
#include "requant.h"

enum { LAST = EQ_MAX_RANK - 1 };

EQ_INLINE void mul(const eq_mul_params *p, const int8_t *a, const int8_t *b, int8_t *output, eq_rounding rounding)
{
    const eq_output q = {p->zero_point, p->qmin, p->qmax};
    const int32_t n = p->shape[LAST];
    eq_walk walk = eq_walk_start(a, b);
    do {
        for (int32_t i = 0; i < n; i += 4) {
            const eq_s32x4 x = eq_add_scalar_s32(eq_operand(walk.first, p->a_stride[LAST], i, n), -p->a_zero_point);
            const eq_s32x4 y = eq_add_scalar_s32(eq_operand(walk.second, p->b_stride[LAST], i, n), -p->b_zero_point);
            const eq_s32x4 scaled = eq_scale_all(eq_multiply_s32(x, y), p->mantissa, p->shift, rounding);
            eq_store_output_n(output + i, scaled, q, n - i);
        }
        output += n;
    } while (eq_walk_next(&walk, p->shape, p->a_stride, p->b_stride));
}

#define DEFINE(suffix, rounding)                                                                                       \
    void eq_mul_mve_##suffix(const eq_mul_params *p, const int8_t *a, const int8_t *b, int8_t *output)                 \
    {                                                                                                                  \
        mul(p, a, b, output, rounding);                                                                                \
    }                                                                                                                  \
    void eq_mul_const_mve_##suffix(const eq_mul_params *p, const int8_t *a, int8_t *output)                            \
    {                                                                                                                  \
        mul(p, a, p->constant, output, rounding);                                                                      \
    }
EQ_FOR_EACH_ROUNDING(DEFINE)
