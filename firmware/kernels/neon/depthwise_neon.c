/* Depthwise convolution with SMULL and SMLAL: the products of two taps fit 16 bits, since weights are at least -127,
 * and are then added to sums of 32 bits.
 *
 * Weights are, per block of 16 lanes, per tap, one of each lane; an odd number of taps is filled up by one of zeros. */
#include "depthwise.h"

#if defined(__aarch64__)

/* In assembly, since compilers copy the low half of a vector that more than one product needs. */
EQ_INLINE int16x8_t eq_low_products(int8x16_t a, int8x16_t b)
{
    int16x8_t r;
    __asm__("smull %0.8h, %1.8b, %2.8b" : "=w"(r) : "w"(a), "w"(b));
    return r;
}

EQ_INLINE int16x8_t eq_add_low_products(int16x8_t sum, int8x16_t a, int8x16_t b)
{
    __asm__("smlal %0.8h, %1.8b, %2.8b" : "+w"(sum) : "w"(a), "w"(b));
    return sum;
}

#else

EQ_INLINE int16x8_t eq_low_products(int8x16_t a, int8x16_t b)
{
    return vmull_s8(vget_low_s8(a), vget_low_s8(b));
}

EQ_INLINE int16x8_t eq_add_low_products(int16x8_t sum, int8x16_t a, int8x16_t b)
{
    return vmlal_s8(sum, vget_low_s8(a), vget_low_s8(b));
}

#endif

EQ_INLINE int16x8_t eq_high_products(int8x16_t a, int8x16_t b)
{
#if EQ_A64
    return vmull_high_s8(a, b);
#else
    return vmull_s8(vget_high_s8(a), vget_high_s8(b));
#endif
}

EQ_INLINE int16x8_t eq_add_high_products(int16x8_t sum, int8x16_t a, int8x16_t b)
{
#if EQ_A64
    return vmlal_high_s8(sum, a, b);
#else
    return vmlal_s8(sum, vget_high_s8(a), vget_high_s8(b));
#endif
}

/* Eight halves, added to two vectors of sums. */
EQ_INLINE void eq_add_halves(int32x4_t *sums, const int32x4_t *to, int16x8_t halves)
{
    sums[0] = vaddw_s16(to[0], vget_low_s16(halves));
#if EQ_A64
    sums[1] = vaddw_high_s16(to[1], halves);
#else
    sums[1] = vaddw_s16(to[1], vget_high_s16(halves));
#endif
}

/* sums = to + two taps of 16 lanes, or one. */
EQ_INLINE void eq_taps(int32x4_t *sums, const int32x4_t *to, int8x16_t x0, int8x16_t w0, int8x16_t x1, int8x16_t w1,
                       int32_t taps)
{
    int16x8_t low = eq_low_products(x0, w0), high = eq_high_products(x0, w0);
    if (taps > 1) {
        low = eq_add_low_products(low, x1, w1);
        high = eq_add_high_products(high, x1, w1);
    }
    eq_add_halves(sums, to, low);
    eq_add_halves(sums + 2, to + 2, high);
}

enum { EQ_NINE = 9 }; /* a window of 3x3 */

/* Where the windows of a block lie, and its outputs. */
typedef struct {
    const int8_t *at;
    int8_t *to;
    int32_t rows, units; /* of outputs */
    int64_t down, right; /* from a window to the next row's, and to the next one of the row */
    int32_t line, step;  /* the same of outputs */
    int32_t count;       /* channels; 16 or more if all lanes are stored */
} eq_grid;

/* Windows of nine taps, whose weights stay in registers. */
EQ_INLINE void eq_nine(const int32_t *from, const int8_t *weights, eq_grid g, const eq_lanes *lanes, const eq_output *o,
                       eq_rounding rounding)
{
    int8x16_t w[EQ_NINE];
    int64_t offsets[EQ_NINE];
    EQ_UNROLL
    for (int32_t t = 0; t < EQ_NINE; t++) {
        w[t] = vld1q_s8(weights + 16 * t);
        offsets[t] = from[t];
    }
    for (int32_t y = 0; y < g.rows; y++) {
        const int8_t *at = g.at;
        int8_t *to = g.to;
        for (int32_t i = 0; i < g.units; i++) {
            int32x4_t sums[4];
            EQ_UNROLL
            for (int32_t t = 0; t < EQ_NINE; t += 2) {
                const int32_t next = t + 1 < EQ_NINE ? t + 1 : t;
                eq_taps(sums, t == 0 ? lanes->bias : sums, vld1q_s8(at + offsets[t]), w[t],
                        vld1q_s8(at + offsets[next]), w[next], EQ_NINE - t);
            }
            eq_finish(to, sums, lanes, g.count, o, rounding);
            at += g.right;
            to += g.step;
        }
        g.at += g.down;
        g.to += g.line;
    }
}

/* Windows of any number of taps. */
EQ_INLINE void eq_many(const int32_t *offsets, int32_t taps, const int8_t *weights, eq_grid g, const eq_lanes *lanes,
                       const eq_output *o, eq_rounding rounding)
{
    for (int32_t y = 0; y < g.rows; y++) {
        const int8_t *at = g.at;
        int8_t *to = g.to;
        for (int32_t i = 0; i < g.units; i++) {
            int32x4_t sums[4] = {lanes->bias[0], lanes->bias[1], lanes->bias[2], lanes->bias[3]};
            const int8_t *w = weights;
            for (int32_t t = 0; t < taps; t += 2) {
                const int8x16_t x0 = vld1q_s8(at + offsets[t]), x1 = vld1q_s8(at + offsets[t + 1]);
                eq_taps(sums, sums, x0, vld1q_s8(w), x1, vld1q_s8(w + 16), 2);
                w += 32;
            }
            eq_finish(to, sums, lanes, g.count, o, rounding);
            at += g.right;
            to += g.step;
        }
        g.at += g.down;
        g.to += g.line;
    }
}

EQ_INLINE void eq_block(const eq_depthwise_conv2d_neon_params *p, const int8_t *weights, eq_grid g,
                        const eq_lanes *lanes, const eq_output *o, eq_rounding rounding)
{
    const int32_t taps = p->kernel_h * p->kernel_w;
    if (taps != EQ_NINE || g.count < 16) {
        eq_many(p->offsets, taps, weights, g, lanes, o, rounding);
    } else {
        g.count = 16;
        eq_nine(p->offsets, weights, g, lanes, o, rounding);
    }
}

EQ_INLINE void eq_rows(const eq_depthwise_conv2d_neon_params *p, const int8_t *from, int64_t row, int32_t rows,
                       int8_t *output, int8_t *rest, const eq_output *o, eq_rounding rounding)
{
    const int32_t taps = p->kernel_h * p->kernel_w, line = p->out_w * p->out_c;
    const int64_t size = 16 * (int64_t)(taps + taps % 2), down = p->stride_h * row;
    (void)rest;
    if (p->flat) { /* all blocks of a row, of which the last one is at its end */
        const int32_t last = line - 16;
        const eq_lanes lanes = eq_lanes_of(p, 0, rounding);
        const eq_grid all = {from, output, rows, line / 16, down, 16, line, 16, 16};
        const eq_grid ends = {from + last, output + last, rows, line % 16 == 0 ? 0 : 1, down, 16, line, 16, 16};
        eq_block(p, p->weights, all, &lanes, o, rounding);
        if (ends.units != 0) {
            eq_block(p, p->weights, ends, &lanes, o, rounding);
        }
        return;
    }
    for (int32_t q = 0; q < p->out_c; q += 16) {
        const int32_t c = eq_first_channel(p, q);
        const eq_lanes lanes = eq_lanes_of(p, q, rounding);
        const eq_grid g = {from + c, output + c, rows,    p->out_w, down, (int64_t)p->stride_w * p->in_c,
                           line,     p->out_c,   p->out_c};
        eq_block(p, p->weights + q / 16 * size, g, &lanes, o, rounding);
    }
}

#include "depthwise_bands.h"

#define EQ_DEFINE(suffix, rounding)                                                                                    \
    void eq_depthwise_conv2d_neon_##suffix(const eq_depthwise_conv2d_neon_params *p, const int8_t *input,              \
                                           int8_t *output, void *scratch)                                              \
    {                                                                                                                  \
        eq_depthwise(p, input, output, scratch, rounding);                                                             \
    }
EQ_FOR_EACH_ROUNDING(EQ_DEFINE)
