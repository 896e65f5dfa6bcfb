/* One weight per channel: four lanes of every period of channels after another, with their factors in registers. */
#include "eq/depthwise_conv2d_mve.h"
#include "requant.h"

typedef eq_depthwise_conv2d_1x1_mve_params params;

/* Four channels. */
typedef struct {
    eq_s32x4 weight, bias, multiplier, shift, low, high;
    int32_t zero_point;
} lanes;

/* The first n of four elements. */
EQ_INLINE void scale(const lanes *f, const int8_t *input, int8_t *output, int32_t n, eq_rounding rounding)
{
    const eq_s32x4 x = eq_load_s8_to_s32_n(input, n);
    eq_s32x4 acc = eq_add_s32(eq_multiply_s32(x, f->weight), f->bias);
    if (rounding == EQ_FAST) {
        acc = eq_doubling_high_s32(acc, f->multiplier);
    } else if (rounding == EQ_SINGLE) {
        acc = eq_rounding_shift_s32(eq_high_s32(acc, f->multiplier), f->shift);
    } else {
        acc = eq_rounding_shift_s32(eq_nudge_s32(eq_doubling_high_s32(acc, f->multiplier), f->shift), f->shift);
    }
    acc = eq_add_saturating_s32(acc, f->zero_point);
    eq_store_s32_to_s8_n(output, eq_min_s32(eq_max_s32(acc, f->low), f->high), n);
}

EQ_INLINE void depthwise(const params *p, const int8_t *input, int8_t *output, eq_rounding rounding)
{
    const int32_t size = p->size, period = p->period;
    for (int32_t lane = 0; lane < period; lane += 4) {
        const lanes f = {eq_load_s32(p->weights + lane),
                         eq_load_s32(p->bias + lane),
                         eq_load_s32(p->multiplier + lane),
                         rounding == EQ_FAST ? eq_dup_s32(0) : eq_load_s32(p->shift + lane),
                         eq_dup_s32(p->qmin),
                         eq_dup_s32(p->qmax),
                         p->zero_point};
        int32_t i = lane;
        for (; i + 4 <= size; i += period) {
            scale(&f, input + i, output + i, 4, rounding);
        }
        if (i < size) {
            scale(&f, input + i, output + i, size - i, rounding);
        }
    }
}

#define DEFINE(suffix, rounding)                                                                                       \
    void eq_depthwise_conv2d_1x1_mve_##suffix(const params *p, const int8_t *input, int8_t *output)                    \
    {                                                                                                                  \
        depthwise(p, input, output, rounding);                                                                         \
    }
EQ_FOR_EACH_ROUNDING(DEFINE)
