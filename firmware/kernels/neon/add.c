#include "eq/add_neon.h"
#include "requant.h"
#include "sixteens.h"

enum { EQ_LAST = EQ_MAX_RANK - 1, EQ_EXTRA = 6, EQ_LEFT = 20 };

/* The constants of eq_add_fast_params, sums 2^EQ_EXTRA times as large. */
typedef struct {
    int16x4_t a, b;
    int32x4_t offset;
    int16x8_t shift; /* of the upper half of a sum */
    int8x16_t qmin, qmax;
} eq_fast;

/* The upper halves of eight sums. */
EQ_INLINE int16x8_t eq_eight_sums(int8x8_t x, int8x8_t y, const eq_fast *f)
{
    const int16x8_t a = vshll_n_s8(x, EQ_EXTRA), b = vshll_n_s8(y, EQ_EXTRA);
    const int32x4_t first = vmlal_s16(f->offset, vget_low_s16(a), f->a);
    const int32x4_t second = vmlal_s16(f->offset, vget_high_s16(a), f->a);
    const int32x4_t low = vmlal_s16(first, vget_low_s16(b), f->b), high = vmlal_s16(second, vget_high_s16(b), f->b);
#if EQ_A64
    return vuzp2q_s16(vreinterpretq_s16_s32(low), vreinterpretq_s16_s32(high));
#else
    return vcombine_s16(vshrn_n_s32(low, 16), vshrn_n_s32(high, 16));
#endif
}

EQ_INLINE int8x16_t eq_sixteen_fast(int8x16_t x, int8x16_t y, const eq_fast *f)
{
    const int16x8_t low = vshlq_s16(eq_eight_sums(vget_low_s8(x), vget_low_s8(y), f), f->shift);
    const int16x8_t high = vshlq_s16(eq_eight_sums(vget_high_s8(x), vget_high_s8(y), f), f->shift);
    return vminq_s8(vmaxq_s8(vcombine_s8(vqmovn_s16(low), vqmovn_s16(high)), f->qmin), f->qmax);
}

EQ_INLINE void eq_add_fast(const eq_add_fast_params *p, const int8_t *a, const int8_t *b, int8_t *output)
{
    const eq_fast f = {vdup_n_s16((int16_t)p->a_factor),
                       vdup_n_s16((int16_t)p->b_factor),
                       vdupq_n_s32(p->offset * (1 << EQ_EXTRA)),
                       vdupq_n_s16((int16_t)(16 - EQ_EXTRA - p->right_shift)),
                       vdupq_n_s8((int8_t)p->qmin),
                       vdupq_n_s8((int8_t)p->qmax)};
    const int32_t n = p->shape[EQ_LAST];
    eq_walk walk = eq_walk_start(a, b);
    do {
        EQ_SIXTEENS(n, walk.first, 1, walk.second, 1, output, eq_sixteen_fast(x, y, &f));
        output += n;
    } while (eq_walk_next(&walk, p->shape, p->a_stride, p->b_stride));
}

/* A factor of eq_multiply with EQ_DOUBLE and a shift that is not positive. */
typedef struct {
    int32x4_t mantissa, shift, away; /* away: all bits if there is a shift, whose halves go away from zero */
} eq_factor;

EQ_INLINE eq_factor eq_factor_of(int32_t mantissa, int32_t shift)
{
    const eq_factor f = {vdupq_n_s32(mantissa), vdupq_n_s32(shift), vdupq_n_s32(shift == 0 ? 0 : -1)};
    return f;
}

EQ_INLINE int32x4_t eq_times(int32x4_t x, const eq_factor *f)
{
    const int32x4_t high = vqrdmulhq_s32(x, f->mantissa);
    return vrshlq_s32(vsraq_n_s32(high, vandq_s32(high, f->away), 31), f->shift);
}

typedef struct {
    int16x8_t a_zero, b_zero;
    int32x4_t a_sign, b_sign;
    eq_factor a, b, sum;
    eq_output output;
} eq_twice;

EQ_INLINE int32x4_t eq_four_twice(int16x4_t x, int16x4_t y, const eq_twice *t)
{
    const int32x4_t a = eq_times(vshlq_n_s32(vmovl_s16(x), EQ_LEFT), &t->a);
    const int32x4_t b = eq_times(vshlq_n_s32(vmovl_s16(y), EQ_LEFT), &t->b);
    return eq_times(vmlaq_s32(vmulq_s32(a, t->a_sign), b, t->b_sign), &t->sum);
}

EQ_INLINE int8x16_t eq_sixteen_twice(int8x16_t x, int8x16_t y, const eq_twice *t)
{
    const int16x8_t a = vsubq_s16(vmovl_s8(vget_low_s8(x)), t->a_zero),
                    b = vsubq_s16(vmovl_s8(vget_low_s8(y)), t->b_zero);
    const int16x8_t c = vsubq_s16(vmovl_s8(vget_high_s8(x)), t->a_zero);
    const int16x8_t d = vsubq_s16(vmovl_s8(vget_high_s8(y)), t->b_zero);
    return eq_outputs(eq_four_twice(vget_low_s16(a), vget_low_s16(b), t),
                      eq_four_twice(vget_high_s16(a), vget_high_s16(b), t),
                      eq_four_twice(vget_low_s16(c), vget_low_s16(d), t),
                      eq_four_twice(vget_high_s16(c), vget_high_s16(d), t), &t->output);
}

EQ_INLINE void eq_add_double(const eq_add_double_params *p, const int8_t *a, const int8_t *b, int8_t *output)
{
    const eq_twice t = {vdupq_n_s16((int16_t)p->a_zero_point),
                        vdupq_n_s16((int16_t)p->b_zero_point),
                        vdupq_n_s32(p->a_sign),
                        vdupq_n_s32(p->b_sign),
                        eq_factor_of(p->a_mantissa, p->a_shift),
                        eq_factor_of(p->b_mantissa, p->b_shift),
                        eq_factor_of(p->mantissa, p->shift),
                        eq_output_of(p->zero_point, p->qmin, p->qmax)};
    const int32_t n = p->shape[EQ_LAST];
    eq_walk walk = eq_walk_start(a, b);
    do {
        EQ_SIXTEENS(n, walk.first, 1, walk.second, 1, output, eq_sixteen_twice(x, y, &t));
        output += n;
    } while (eq_walk_next(&walk, p->shape, p->a_stride, p->b_stride));
}

#define EQ_DEFINE(rounding)                                                                                            \
    void eq_add_neon_##rounding(const eq_add_##rounding##_params *p, const int8_t *a, const int8_t *b, int8_t *output) \
    {                                                                                                                  \
        eq_add_##rounding(p, a, b, output);                                                                            \
    }                                                                                                                  \
    void eq_add_const_neon_##rounding(const eq_add_##rounding##_params *p, const int8_t *a, int8_t *output)            \
    {                                                                                                                  \
        eq_add_##rounding(p, a, p->constant, output);                                                                  \
    }
EQ_DEFINE(fast)
EQ_DEFINE(double)
