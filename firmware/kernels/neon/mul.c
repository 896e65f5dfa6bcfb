#include "eq/mul_neon.h"
#include "requant.h"
#include "sixteens.h"

enum { EQ_LAST = EQ_MAX_RANK - 1 };

typedef struct {
    int8x8_t a_zero, b_zero;
    int32x4_t factor, shift;
    eq_output output;
} eq_product;

EQ_INLINE int32x4_t eq_four_products(int16x4_t x, int16x4_t y, const eq_product *f, eq_rounding rounding)
{
    return eq_scale(vmull_s16(x, y), f->factor, f->shift, rounding);
}

EQ_INLINE int8x16_t eq_sixteen_products(int8x16_t x, int8x16_t y, const eq_product *f, eq_rounding rounding)
{
    const int16x8_t a = vsubl_s8(vget_low_s8(x), f->a_zero), b = vsubl_s8(vget_low_s8(y), f->b_zero);
    const int16x8_t c = vsubl_s8(vget_high_s8(x), f->a_zero), d = vsubl_s8(vget_high_s8(y), f->b_zero);
    return eq_outputs(eq_four_products(vget_low_s16(a), vget_low_s16(b), f, rounding),
                      eq_four_products(vget_high_s16(a), vget_high_s16(b), f, rounding),
                      eq_four_products(vget_low_s16(c), vget_low_s16(d), f, rounding),
                      eq_four_products(vget_high_s16(c), vget_high_s16(d), f, rounding), &f->output);
}

/* Where the elements of a row are: one that serves all of them is put into a buffer sixteen times. */
EQ_INLINE const int8_t *eq_row_of(const int8_t *from, int32_t step, int8_t *buffer)
{
    if (step != 0) {
        return from;
    }
    vst1q_s8(buffer, vdupq_n_s8(*from));
    return buffer;
}

EQ_INLINE void eq_mul(const eq_mul_params *p, const int8_t *a, const int8_t *b, int8_t *output, eq_rounding rounding)
{
    const eq_product f = {vget_low_s8(vdupq_n_s8((int8_t)p->a_zero_point)),
                          vget_low_s8(vdupq_n_s8((int8_t)p->b_zero_point)), vdupq_n_s32(p->mantissa),
                          vdupq_n_s32(p->shift), eq_output_of(p->zero_point, p->qmin, p->qmax)};
    const int32_t n = p->shape[EQ_LAST], a_step = p->a_stride[EQ_LAST], b_step = p->b_stride[EQ_LAST];
    int8_t a_buffer[16], b_buffer[16];
    eq_walk walk = eq_walk_start(a, b);
    do {
        const int8_t *const first = eq_row_of(walk.first, a_step, a_buffer);
        const int8_t *const second = eq_row_of(walk.second, b_step, b_buffer);
        EQ_SIXTEENS(n, first, a_step, second, b_step, output, eq_sixteen_products(x, y, &f, rounding));
        output += n;
    } while (eq_walk_next(&walk, p->shape, p->a_stride, p->b_stride));
}

#define EQ_DEFINE(suffix, rounding)                                                                                    \
    void eq_mul_neon_##suffix(const eq_mul_params *p, const int8_t *a, const int8_t *b, int8_t *output)                \
    {                                                                                                                  \
        eq_mul(p, a, b, output, rounding);                                                                             \
    }                                                                                                                  \
    void eq_mul_const_neon_##suffix(const eq_mul_params *p, const int8_t *a, int8_t *output)                           \
    {                                                                                                                  \
        eq_mul(p, a, p->constant, output, rounding);                                                                   \
    }
EQ_FOR_EACH_ROUNDING(EQ_DEFINE)
