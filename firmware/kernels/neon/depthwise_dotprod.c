/* Depthwise convolution with SDOT: four rows of a column are laid side by side, lane by lane, and multiplied at once.
 * All windows that see the column share that, those of several output rows included.
 *
 * Weights are, per block of 16 lanes, per output row that is computed together with others, per column of the window,
 * per group of four rows: the four of each lane, zeros where a row is not the window's. */
#include "band.h"
#include "depthwise.h"

#define EQ_GROUP 64 /* bytes of four rows of 16 lanes */

typedef struct {
    int8x16_t part[4]; /* four lanes each */
} eq_four_rows;

EQ_INLINE eq_four_rows eq_load_group(const int8_t *from)
{
    const eq_four_rows r = {{vld1q_s8(from), vld1q_s8(from + 16), vld1q_s8(from + 32), vld1q_s8(from + 48)}};
    return r;
}

/* Lane by lane, a byte of each of four rows. */
EQ_INLINE void eq_interleave(const int8_t *a, const int8_t *b, const int8_t *c, const int8_t *d, int8_t *to)
{
    const int8x16_t w = vld1q_s8(a), x = vld1q_s8(b), y = vld1q_s8(c), z = vld1q_s8(d);
    const int16x8_t top = vreinterpretq_s16_s8(vzip1q_s8(w, x)), bottom = vreinterpretq_s16_s8(vzip1q_s8(y, z));
    const int16x8_t high_top = vreinterpretq_s16_s8(vzip2q_s8(w, x));
    const int16x8_t high_bottom = vreinterpretq_s16_s8(vzip2q_s8(y, z));
    const int8x16x4_t all = {{vreinterpretq_s8_s16(vzip1q_s16(top, bottom)),
                              vreinterpretq_s8_s16(vzip2q_s16(top, bottom)),
                              vreinterpretq_s8_s16(vzip1q_s16(high_top, high_bottom)),
                              vreinterpretq_s8_s16(vzip2q_s16(high_top, high_bottom))}};
    vst1q_s8_x4(to, all);
}

/* All columns of four rows, of which the last ones may be the same; `apart` bytes between the columns in the copy. */
EQ_INLINE void eq_group(const int8_t *from, int32_t first, int32_t rows, int64_t down, int32_t columns,
                        int32_t channels, int8_t *to, int64_t apart)
{
    const int32_t last = rows - 1;
    const int64_t b = ((first + 1 < last ? first + 1 : last) - first) * down;
    const int64_t c = ((first + 2 < last ? first + 2 : last) - first) * down;
    const int64_t d = ((first + 3 < last ? first + 3 : last) - first) * down;
    from += first * down;
    for (int32_t x = 0; x < columns; x++) {
        eq_interleave(from, from + b, from + c, from + d, to);
        from += channels;
        to += apart;
    }
}

/* sums + the products of a window of three columns, `apart`. */
EQ_INLINE void eq_add_three(int32x4_t *sums, const int8_t *at, int64_t apart, const eq_four_rows *w)
{
#if defined(__aarch64__) /* in assembly, since compilers load all columns before the first product */
    __asm__("ld1 {v0.16b - v3.16b}, [%[at]], %[apart]\n\t"
            "sdot %[a].4s, v0.16b, %[w0].16b\n\tsdot %[b].4s, v1.16b, %[w1].16b\n\t"
            "sdot %[c].4s, v2.16b, %[w2].16b\n\tsdot %[d].4s, v3.16b, %[w3].16b\n\t"
            "ld1 {v0.16b - v3.16b}, [%[at]], %[apart]\n\t"
            "sdot %[a].4s, v0.16b, %[w4].16b\n\tsdot %[b].4s, v1.16b, %[w5].16b\n\t"
            "sdot %[c].4s, v2.16b, %[w6].16b\n\tsdot %[d].4s, v3.16b, %[w7].16b\n\t"
            "ld1 {v0.16b - v3.16b}, [%[at]]\n\t"
            "sdot %[a].4s, v0.16b, %[w8].16b\n\tsdot %[b].4s, v1.16b, %[w9].16b\n\t"
            "sdot %[c].4s, v2.16b, %[w10].16b\n\tsdot %[d].4s, v3.16b, %[w11].16b"
            : [at] "+r"(at), [a] "+w"(sums[0]), [b] "+w"(sums[1]), [c] "+w"(sums[2]), [d] "+w"(sums[3])
            : [apart] "r"(apart), [w0] "w"(w[0].part[0]), [w1] "w"(w[0].part[1]), [w2] "w"(w[0].part[2]),
              [w3] "w"(w[0].part[3]), [w4] "w"(w[1].part[0]), [w5] "w"(w[1].part[1]), [w6] "w"(w[1].part[2]),
              [w7] "w"(w[1].part[3]), [w8] "w"(w[2].part[0]), [w9] "w"(w[2].part[1]), [w10] "w"(w[2].part[2]),
              [w11] "w"(w[2].part[3])
            : "v0", "v1", "v2", "v3", "memory");
#else
    for (int32_t x = 0; x < 3; x++) {
        const eq_four_rows column = eq_load_group(at + x * apart);
        for (int32_t v = 0; v < 4; v++) {
            sums[v] = vdotq_s32(sums[v], column.part[v], w[x].part[v]);
        }
    }
#endif
}

/* `units` windows of three columns and one group of rows, each `right` bytes further, their outputs `step` bytes. */
EQ_INLINE void eq_threes(const int8_t *at, int64_t apart, const int8_t *weights, int8_t *to, int32_t units,
                         int64_t right, int32_t step, const eq_lanes *lanes, const eq_output *o, eq_rounding rounding)
{
    const eq_four_rows w[3] = {eq_load_group(weights), eq_load_group(weights + EQ_GROUP),
                               eq_load_group(weights + 2 * EQ_GROUP)};
    for (int32_t i = 0; i < units; i++) {
        int32x4_t sums[4] = {lanes->bias[0], lanes->bias[1], lanes->bias[2], lanes->bias[3]};
        eq_add_three(sums, at, apart, w);
        eq_finish(to, sums, lanes, 16, o, rounding);
        at += right;
        to += step;
    }
}

/* Whether windows have three columns and one group of rows. */
EQ_INLINE int32_t eq_has_threes(const eq_depthwise_conv2d_neon_params *p)
{
    return p->kernel_w == 3 && p->fours == 1;
}

/* Whether they have, and blocks 16 channels. */
EQ_INLINE int32_t eq_is_of_three(const eq_depthwise_conv2d_neon_params *p)
{
    return eq_has_threes(p) && p->out_c >= 16;
}

/* The columns inside of the image of four rows, of which some may lie outside. `from` is the first one of the row
 * `top`; outside there is `nothing`. */
EQ_INLINE void eq_group_at(const eq_depthwise_conv2d_neon_params *p, const int8_t *from, int32_t top, int32_t rows,
                           const int8_t *nothing, int32_t columns, int8_t *to)
{
    const int64_t down = (int64_t)p->in_w * p->in_c;
    if (top >= 0 && top + (rows - 1) * p->dilation_h < p->in_h) {
        eq_group(from, 0, rows, p->dilation_h * down, columns, p->in_c, to, EQ_GROUP);
        return;
    }
    const int8_t *at[4];
    int32_t step[4];
    for (int32_t i = 0; i < 4; i++) {
        const int32_t y = (i < rows ? i : rows - 1) * p->dilation_h, inside = top + y >= 0 && top + y < p->in_h;
        at[i] = inside ? from + y * down : nothing;
        step[i] = inside ? p->in_c : 0;
    }
    for (int32_t x = 0; x < columns; x++) {
        eq_interleave(at[0], at[1], at[2], at[3], to);
        for (int32_t i = 0; i < 4; i++) {
            at[i] += step[i];
        }
        to += EQ_GROUP;
    }
}

/* An image in the case of eq_is_of_three. What lies beside it stays in the columns' copy. */
EQ_INLINE void eq_image_of_three(const eq_depthwise_conv2d_neon_params *p, const int8_t *image, int8_t *output,
                                 int8_t *rest, const eq_output *o, eq_rounding rounding)
{
    const int64_t line = (int64_t)p->out_w * p->out_c, apart = p->dilation_w * EQ_GROUP;
    const int64_t right = p->stride_w * EQ_GROUP;
    const int32_t columns = (p->out_w - 1) * p->stride_w + 2 * p->dilation_w + 1;
    const int32_t begin = eq_within(p->pad_left, 0, columns), end = eq_within(p->in_w + p->pad_left, begin, columns);
    int8_t nothing[16];
    memset(nothing, p->pad_value, sizeof nothing);
    memset(rest, p->pad_value, (size_t)columns * EQ_GROUP);
    for (int32_t q = 0; q < p->out_c; q += 16) {
        const int32_t c = eq_first_channel(p, q);
        const eq_lanes lanes = eq_lanes_of(p, q, rounding);
        const int8_t *const weights = p->weights + q / 16 * p->together * 3 * EQ_GROUP;
        int8_t *to = output + c;
        for (int32_t first = 0; first < p->out_h; first += p->together) {
            const int32_t now = p->out_h - first < p->together ? p->out_h - first : p->together;
            const int32_t top = first * p->stride_h - p->pad_top;
            eq_group_at(p, image + ((int64_t)top * p->in_w + begin - p->pad_left) * p->in_c + c, top,
                        (now - 1) * p->stride_h + p->kernel_h, nothing, end - begin, rest + begin * EQ_GROUP);
            for (int32_t y = 0; y < now; y++) {
                eq_threes(rest, apart, weights + y * 3 * EQ_GROUP, to, p->out_w, right, p->out_c, &lanes, o, rounding);
                to += line;
            }
        }
    }
}

/* Windows of any size: `units` of them, each `right` bytes further; groups of four rows are `next` bytes apart. */
EQ_INLINE void eq_many(const eq_depthwise_conv2d_neon_params *p, const int8_t *at, int64_t apart, int64_t next,
                       const int8_t *weights, int8_t *to, int32_t units, int64_t right, int32_t step, int32_t count,
                       const eq_lanes *lanes, const eq_output *o, eq_rounding rounding)
{
    for (int32_t i = 0; i < units; i++) {
        int32x4_t sums[4] = {lanes->bias[0], lanes->bias[1], lanes->bias[2], lanes->bias[3]};
        const int8_t *w = weights;
        for (int32_t kx = 0; kx < p->kernel_w; kx++) {
            for (int32_t g = 0; g < p->fours; g++) {
                const eq_four_rows x = eq_load_group(at + kx * apart + g * next), y = eq_load_group(w);
                EQ_UNROLL
                for (int32_t v = 0; v < 4; v++) {
                    sums[v] = vdotq_s32(sums[v], x.part[v], y.part[v]);
                }
                w += EQ_GROUP;
            }
        }
        eq_finish(to, sums, lanes, count, o, rounding);
        at += right;
        to += step;
    }
}

/* Blocks of several pixels: byte by byte, all of a row, so that a pixel begins four times its bytes further. */
EQ_INLINE void eq_flat_rows(const eq_depthwise_conv2d_neon_params *p, const int8_t *from, int64_t row, int32_t rows,
                            int8_t *output, int8_t *rest, const eq_output *o, eq_rounding rounding)
{
    const int32_t line = p->out_w * p->out_c, vectors = (int32_t)(row + 15) / 16;
    const int32_t whole = line / 16, left = line % 16 == 0 ? 0 : line - 16; /* the last one is at the end of the row */
    const int64_t next = (int64_t)vectors * EQ_GROUP, apart = 4 * (int64_t)p->dilation_w * p->in_c;
    const int64_t size = (int64_t)p->kernel_w * p->fours * EQ_GROUP;
    const eq_lanes lanes = eq_lanes_of(p, 0, rounding);
    for (int32_t first = 0; first < rows; first += p->together) {
        const int32_t now = rows - first < p->together ? rows - first : p->together;
        for (int32_t g = 0; g < p->fours; g++) {
            eq_group(from + first * p->stride_h * row, 4 * g, (now - 1) * p->stride_h + p->kernel_h,
                     p->dilation_h * row, vectors, 16, rest + g * next, EQ_GROUP);
        }
        for (int32_t y = 0; y < now; y++) {
            const int8_t *const w = p->weights + y * size;
            int8_t *const to = output + (int64_t)(first + y) * line;
            if (eq_has_threes(p)) {
                eq_threes(rest, apart, w, to, whole, EQ_GROUP, 16, &lanes, o, rounding);
                eq_threes(rest + 4 * left, apart, w, to + left, left != 0, 0, 16, &lanes, o, rounding);
            } else {
                eq_many(p, rest, apart, next, w, to, whole, EQ_GROUP, 16, 16, &lanes, o, rounding);
                eq_many(p, rest + 4 * left, apart, next, w, to + left, left != 0, 0, 16, 16, &lanes, o, rounding);
            }
        }
    }
}

EQ_INLINE void eq_rows(const eq_depthwise_conv2d_neon_params *p, const int8_t *from, int64_t row, int32_t rows,
                       int8_t *output, int8_t *rest, const eq_output *o, eq_rounding rounding)
{
    if (p->flat) {
        eq_flat_rows(p, from, row, rows, output, rest, o, rounding);
        return;
    }
    const int32_t line = p->out_w * p->out_c, columns = (int32_t)(row / p->in_c);
    const int64_t column = (int64_t)p->fours * EQ_GROUP, size = p->kernel_w * column, apart = p->dilation_w * column;
    for (int32_t q = 0; q < p->out_c; q += 16) {
        const int32_t c = eq_first_channel(p, q);
        const int8_t *weights = p->weights + q / 16 * p->together * size;
        const eq_lanes lanes = eq_lanes_of(p, q, rounding);
        for (int32_t first = 0; first < rows; first += p->together) {
            const int32_t now = rows - first < p->together ? rows - first : p->together;
            const int8_t *at = from + first * p->stride_h * row + c;
            for (int32_t g = 0; g < p->fours; g++) {
                eq_group(at, 4 * g, (now - 1) * p->stride_h + p->kernel_h, p->dilation_h * row, columns, p->in_c,
                         rest + g * EQ_GROUP, column);
            }
            for (int32_t y = 0; y < now; y++) {
                eq_many(p, rest, apart, EQ_GROUP, weights + y * size, output + (int64_t)(first + y) * line + c,
                        p->out_w, p->stride_w * column, p->out_c, p->out_c, &lanes, o, rounding);
            }
        }
    }
}

#include "depthwise_bands.h"

/* Once for each rounding. */
EQ_INLINE void eq_depthwise_dotprod(const eq_depthwise_conv2d_neon_params *params, const int8_t *input, int8_t *output,
                                    void *scratch, eq_rounding rounding)
{
    if (!eq_is_of_three(params)) {
        eq_depthwise(params, input, output, scratch, rounding);
        return;
    }
    const eq_depthwise_conv2d_neon_params own = *params, *const p = &own;
    eq_output o = eq_output_of(p->zero_point, p->qmin, p->qmax);
    o.small = p->small;
    for (int32_t n = 0; n < p->batch; n++) {
        eq_image_of_three(p, input, output, scratch, &o, rounding);
        input += (int64_t)p->in_h * p->in_w * p->in_c;
        output += (int64_t)p->out_h * p->out_w * p->out_c;
    }
}

#define EQ_DEFINE(suffix, rounding)                                                                                    \
    void eq_depthwise_conv2d_dotprod_##suffix(const eq_depthwise_conv2d_neon_params *p, const int8_t *input,           \
                                              int8_t *output, void *scratch)                                           \
    {                                                                                                                  \
        eq_depthwise_dotprod(p, input, output, scratch, rounding);                                                     \
    }
EQ_FOR_EACH_ROUNDING(EQ_DEFINE)
