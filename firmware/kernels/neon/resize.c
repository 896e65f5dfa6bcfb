#include "band.h"
#include "eq/resize_neon.h"

void eq_resize_nearest_neon(const eq_resize_nearest_params *p, const int8_t *input, int8_t *output)
{
    const int64_t line = (int64_t)p->out_w * p->channels, row = (int64_t)p->in_w * p->channels;
    for (int32_t n = 0; n < p->batch; n++, input += p->in_h * row) {
        for (int32_t y = 0; y < p->out_h; y++, output += line) {
            if (y > 0 && p->rows[y] == p->rows[y - 1]) {
                memcpy(output, output - line, (size_t)line);
                continue;
            }
            for (int32_t x = 0; x < p->out_w; x++) {
                eq_copy_bytes(output + (int64_t)x * p->channels, input + p->rows[y] * row + p->columns[x] * p->channels,
                              p->channels);
            }
        }
    }
}

/* What the four neighbours of a pixel are multiplied by. */
typedef struct {
    int16x4_t left, right;
    int32x4_t up, down;
    int32x4_t shift, away; /* away: all bits if halves are rounded away from zero */
} eq_weights;

EQ_INLINE int32x4_t eq_between(int16x4_t left, int16x4_t right, const eq_weights *w)
{
    return vmlal_s16(vmull_s16(left, w->left), right, w->right);
}

/* Four channels of two pixels of a row and of those below. */
EQ_INLINE int32x4_t eq_four_channels(int16x4_t a, int16x4_t b, int16x4_t c, int16x4_t d, const eq_weights *w)
{
    const int32x4_t sum = vmlaq_s32(vmulq_s32(eq_between(a, b, w), w->up), eq_between(c, d, w), w->down);
    return vrshlq_s32(vsraq_n_s32(sum, vandq_s32(sum, w->away), 31), w->shift);
}

EQ_INLINE int8x8_t eq_eight_channels(const int8_t *a, const int8_t *b, const int8_t *c, const int8_t *d,
                                     const eq_weights *w)
{
    const int16x8_t q = vmovl_s8(vld1_s8(a)), r = vmovl_s8(vld1_s8(b)), s = vmovl_s8(vld1_s8(c)),
                    t = vmovl_s8(vld1_s8(d));
    const int32x4_t low = eq_four_channels(vget_low_s16(q), vget_low_s16(r), vget_low_s16(s), vget_low_s16(t), w);
    const int32x4_t high = eq_four_channels(vget_high_s16(q), vget_high_s16(r), vget_high_s16(s), vget_high_s16(t), w);
    return vqmovn_s16(vcombine_s16(vqmovn_s32(low), vqmovn_s32(high)));
}

void eq_resize_bilinear_neon(const eq_resize_bilinear_params *p, const int8_t *input, int8_t *output)
{
    const int64_t row = (int64_t)p->in_w * p->channels;
    const int32_t unit = 1 << p->bits, channels = p->channels;
    eq_weights w;
    w.shift = vdupq_n_s32(-2 * p->bits);
    w.away = vdupq_n_s32(p->away ? -1 : 0);
    for (int32_t n = 0; n < p->batch; n++, input += p->in_h * row) {
        for (int32_t y = 0; y < p->out_h; y++) {
            const int8_t *const above = input + p->row_lower[y] * row, *const below = input + p->row_upper[y] * row;
            w.up = vdupq_n_s32(unit - p->row_weight[y]);
            w.down = vdupq_n_s32(p->row_weight[y]);
            for (int32_t x = 0; x < p->out_w; x++, output += channels) {
                const int64_t left = (int64_t)p->column_lower[x] * channels;
                const int64_t right = (int64_t)p->column_upper[x] * channels;
                w.left = vdup_n_s16((int16_t)(unit - p->column_weight[x]));
                w.right = vdup_n_s16(p->column_weight[x]);
                for (int32_t i = 0; i < channels; i += 8) {
                    const int32_t c = i + 8 <= channels ? i : channels - 8;
                    vst1_s8(output + c, eq_eight_channels(above + left + c, above + right + c, below + left + c,
                                                          below + right + c, &w));
                }
            }
        }
    }
}
