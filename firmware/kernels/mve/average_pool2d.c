#include "eq/average_pool2d_mve.h"
#include "sums.h"
#include "window.h"

/* total / count, halves away from zero. With count at most EQ_MOST_BYTES, |total| + count / 2 is below 2^16, and
 * reciprocal = ceil(2^30 / count) exceeds the exact one by too little to change the floor of the quotient. */
EQ_INLINE eq_s32x4 average(eq_s32x4 total, int32_t half, int32_t reciprocal)
{
    const eq_s32x4 zero = eq_dup_s32(0);
    const eq_s32x4 negative = eq_min_s32(total, zero), positive = eq_max_s32(total, zero);
    const eq_s32x4 rounded = eq_add_scalar_s32(eq_subtract_s32(positive, negative), half);
    const eq_s32x4 q = eq_high_s32(eq_multiply_scalar_s32(rounded, 4), eq_dup_s32(reciprocal));
    const eq_s32x4 sign = eq_shift_s32(total, -31);
    return eq_subtract_s32(eq_exclusive_or_s32(q, sign), sign);
}

static void pixel(const eq_average_pool2d_params *p, const int8_t *image, eq_window w, int8_t *out)
{
    const int32_t channels = p->in_c, line = p->in_w * channels, wide = w.right - w.left;
    const int32_t inside = (w.bottom - w.top) * wide, all = p->kernel_h * p->kernel_w;
    const int32_t count = p->count_pad ? all : inside;
    const int32_t padding = p->count_pad ? (all - inside) * p->pad_value : 0;
    const int32_t half = count / 2;
    const int32_t reciprocal = ((1 << 30) + count - 1) / count;
    const eq_s8x16 low = eq_dup_s8(p->qmin), high = eq_dup_s8(p->qmax);
    for (int32_t c = 0; c < channels; c += 16) {
        eq_s32x16 s = eq_no_sums();
        const int8_t *from = image + w.top * line + w.left * channels + c;
        for (int32_t y = w.top; y < w.bottom; y++, from += line) {
            s = eq_add_bytes(s, from, channels, wide, channels - c);
        }
        const eq_s32x4 v0 = average(eq_add_scalar_s32(s.v0, padding), half, reciprocal);
        const eq_s32x4 v1 = average(eq_add_scalar_s32(s.v1, padding), half, reciprocal);
        const eq_s32x4 v2 = average(eq_add_scalar_s32(s.v2, padding), half, reciprocal);
        const eq_s32x4 v3 = average(eq_add_scalar_s32(s.v3, padding), half, reciprocal);
        const eq_s8x16 r = eq_narrow_s16(eq_narrow_s32(v0, v2), eq_narrow_s32(v1, v3));
        eq_store_s8_n(out + c, eq_min_s8(eq_max_s8(r, low), high), channels - c);
    }
}

void eq_average_pool2d_mve(const eq_average_pool2d_params *p, const int8_t *input, int8_t *output)
{
    for (int32_t n = 0; n < p->batch; n++, input += p->in_h * p->in_w * p->in_c) {
        for (int32_t y = 0; y < p->out_h; y++) {
            for (int32_t x = 0; x < p->out_w; x++, output += p->in_c) {
                const eq_window w = EQ_WINDOW(p, y, x);
                pixel(p, input, w, output);
            }
        }
    }
}
