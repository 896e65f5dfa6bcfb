/* What the kernels of depthwise convolutions share: what becomes of the sums of a block. */
#ifndef EQ_NEON_DEPTHWISE_H
#define EQ_NEON_DEPTHWISE_H

#include "eq/depthwise_conv2d_neon.h"
#include "requant.h"

/* What the sums of a block become. */
typedef struct {
    int32x4_t bias[4], factor[4], shift[4];
} eq_lanes;

EQ_INLINE eq_lanes eq_lanes_of(const eq_depthwise_conv2d_neon_params *p, int32_t q, eq_rounding rounding)
{
    eq_lanes lanes;
    EQ_UNROLL
    for (int32_t v = 0; v < 4; v++) {
        lanes.bias[v] = vld1q_s32(p->bias + q + 4 * v);
        lanes.factor[v] = vld1q_s32(p->multiplier + q + 4 * v);
        lanes.shift[v] = rounding == EQ_FAST ? lanes.factor[v] : vld1q_s32(p->shift + q + 4 * v);
    }
    return lanes;
}

/* The 16 outputs of a block, of which `count` are stored if there are fewer. */
EQ_INLINE void eq_finish(int8_t *to, const int32x4_t *sums, const eq_lanes *lanes, int32_t count, const eq_output *o,
                         eq_rounding rounding)
{
    int32x4_t s[4];
    EQ_UNROLL
    for (int32_t v = 0; v < 4; v++) {
        s[v] = eq_scale(sums[v], lanes->factor[v], lanes->shift[v], rounding);
    }
    int8x16_t r = o->small ? eq_small_outputs(s[0], s[1], s[2], s[3], o) : eq_wide_outputs(s[0], s[1], s[2], s[3], o);
    if (o->clamps) {
        r = eq_clamped(r, o);
    }
    if (count >= 16) {
        vst1q_s8(to, r);
    } else if (count > 8) { /* eight, and then the last eight */
        int8_t all[16];
        vst1q_s8(all, r);
        memcpy(to, all, 8);
        memcpy(to + count - 8, all + count - 8, 8);
    } else {
        eq_store_eight(to, vget_low_s8(r), count);
    }
}

/* The first channel of the block that begins with lane q. */
EQ_INLINE int32_t eq_first_channel(const eq_depthwise_conv2d_neon_params *p, int32_t q)
{
    return q + 16 <= p->out_c || p->out_c < 16 ? q : p->out_c - 16;
}

#endif
