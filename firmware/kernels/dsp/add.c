#include "clamp.h"
#include "eq/add_dsp.h"
#include "eq/requant.h"

static void fast(const eq_add_fast_params *p, const int8_t *a, const int8_t *b, int8_t *output)
{
    const int32_t factors = eq_pkhbt(p->a_factor, p->b_factor), offset = p->offset, shift = p->right_shift;
    const int32_t count = p->shape[EQ_MAX_RANK - 1];
    const int8_t *const end = a + (count & ~3);
    for (; a != end; a += 4, b += 4, output += 4) {
        const int32_t x = eq_load4(a), y = eq_load4(b);
        const int32_t low = eq_pkhbt(x, y), high = eq_pkhtb(x, y);
        output[0] = (int8_t)eq_ssat8(eq_smlad(eq_sxtb16(low), factors, offset) >> shift);
        output[1] = (int8_t)eq_ssat8(eq_smlad(eq_sxtb16_ror8(low), factors, offset) >> shift);
        output[2] = (int8_t)eq_ssat8(eq_smlad(eq_sxtb16(high), factors, offset) >> shift);
        output[3] = (int8_t)eq_ssat8(eq_smlad(eq_sxtb16_ror8(high), factors, offset) >> shift);
    }
    for (int32_t i = 0; i < (count & 3); i++) {
        output[i] = (int8_t)eq_ssat8((a[i] * p->a_factor + b[i] * p->b_factor + offset) >> shift);
    }
}

/* What eq_multiply does with EQ_DOUBLE and a factor below 1 with a mantissa of 2^30 or more: that doubled, modulo 2^32;
 * and for the division by 2^right one half, and a mask of what negative numbers get less, so that halves go away from
 * zero. */
typedef struct {
    int32_t doubled, half, away, right;
} factor;

static factor factor_of(int32_t mantissa, int32_t shift)
{
    const int32_t right = -shift;
    return (factor){(int32_t)((uint32_t)mantissa << 1), right ? 1 << (right - 1) : 0, right ? -1 : 0, right};
}

static inline int32_t scaled(int32_t x, factor by)
{
    const int32_t high = eq_smmlar(x, by.doubled, x);
    return (high + by.half + (high >> 31 & by.away)) >> by.right;
}

static void twice_rounded(const eq_add_double_params *p, const int8_t *a, const int8_t *b, int8_t *output)
{
    const int32_t one = 1 << 20, a_zero = p->a_zero_point * one, b_zero = p->b_zero_point * one;
    const int32_t a_sign = p->a_sign, b_sign = p->b_sign, zero_point = p->zero_point;
    const factor of_a = factor_of(p->a_mantissa, p->a_shift), of_b = factor_of(p->b_mantissa, p->b_shift);
    const factor of_sum = factor_of(p->mantissa, p->shift);
    for (const int8_t *const end = a + p->shape[EQ_MAX_RANK - 1]; a != end; a++, b++, output++) {
        const int32_t sum = a_sign * scaled(*a * one - a_zero, of_a) + b_sign * scaled(*b * one - b_zero, of_b);
        *output = (int8_t)eq_ssat8(scaled(sum, of_sum) + zero_point);
    }
}

#define DEFINE(rounding, row)                                                                                          \
    static void add_##rounding(const eq_add_##rounding##_params *p, const int8_t *a, const int8_t *b, int8_t *output)  \
    {                                                                                                                  \
        const int32_t count = p->shape[EQ_MAX_RANK - 1];                                                               \
        eq_walk walk = eq_walk_start(a, b);                                                                            \
        do {                                                                                                           \
            row(p, walk.first, walk.second, output);                                                                   \
            eq_clamp_bytes(output, count, p->qmin, p->qmax);                                                           \
            output += count;                                                                                           \
        } while (eq_walk_next(&walk, p->shape, p->a_stride, p->b_stride));                                             \
    }                                                                                                                  \
    void eq_add_dsp_##rounding(const eq_add_##rounding##_params *p, const int8_t *a, const int8_t *b, int8_t *output)  \
    {                                                                                                                  \
        add_##rounding(p, a, b, output);                                                                               \
    }                                                                                                                  \
    void eq_add_const_dsp_##rounding(const eq_add_##rounding##_params *p, const int8_t *a, int8_t *output)             \
    {                                                                                                                  \
        add_##rounding(p, a, p->constant, output);                                                                     \
    }
DEFINE(fast, fast)
DEFINE(double, twice_rounded)
