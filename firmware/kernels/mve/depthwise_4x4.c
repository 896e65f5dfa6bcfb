/* Windows up to 4x4: the input rows of an output row become a strip of columns, in which the up to four values of a
 * channel make a word; a gathering load of four columns is then a whole window of a channel, and one instruction sums
 * its products. */
#include "eq/depthwise_conv2d_mve.h"
#include "finish.h"

enum { BLOCK = 16, SIDE = 4, COLUMN = SIDE * BLOCK, TILE = 3 };

/* The block's channels of the rows of a strip: where the next column is, how far the one after it, and how many bytes
 * there are. */
typedef struct {
    const int8_t *row[SIDE];
    int32_t step[SIDE];
    int32_t bytes;
} eq_rows;

/* Three windows in a strip, and how far apart their columns are. */
typedef struct {
    const int8_t *x0, *x1, *x2;
    int32_t offset[SIDE];
} eq_windows;

#if EQ_MVE_NATIVE

#define UNUSED __attribute__((unused))

/* Sums of a block's channels, bias included, for three windows: to[BLOCK * window + channel]. q0, q1, q2: addresses of
 * the windows' columns for the channel four before the next. */
__attribute__((naked, noinline)) static void multiply(const eq_windows *x UNUSED, const int8_t *w UNUSED,
                                                      const int32_t *bias UNUSED, int32_t *to UNUSED)
{
#define GATHER(offset)                                                                                                 \
    "vldrw.u32 q4, [q0, " offset "\n\t"                                                                                \
    "vldrw.u32 q5, [q1, " offset "\n\t"                                                                                \
    "vldrw.u32 q6, [q2, " offset "\n\t"                                                                                \
    "vldrb.8 q3, [r1], #16\n\t"
#define CHANNEL(offset, a, b, c)                                                                                       \
    GATHER(offset)                                                                                                     \
    "vmladava.s8 " a ", q4, q3\n\t"                                                                                    \
    "vmladava.s8 " b ", q5, q3\n\t"                                                                                    \
    "vmladava.s8 " c ", q6, q3\n\t"
#define BIAS                                                                                                           \
    "ldrd r4, r6, [r2]\n\t"                                                                                            \
    "ldrd r8, r10, [r2]\n\t"                                                                                           \
    "ldrd r0, r12, [r2], #8\n\t"
#define STORE                                                                                                          \
    "strd r8, r10, [r3, #64]\n\t"                                                                                      \
    "strd r0, r12, [r3, #128]\n\t"                                                                                     \
    "strd r4, r6, [r3], #8\n\t"
    __asm__ volatile("push {r4-r10, lr}\n\t"
                     "vpush {d8-d13}\n\t"
                     "ldrd r4, r6, [r0]\n\t"
                     "ldr r8, [r0, #8]\n\t"
                     "mvn r12, #3\n\t"
                     "vldrw.32 q3, [r0, #12]\n\t"
                     "vadd.i32 q3, q3, r12\n\t"
                     "vadd.i32 q0, q3, r4\n\t"
                     "vadd.i32 q1, q3, r6\n\t"
                     "vadd.i32 q2, q3, r8\n\t"
                     "mov lr, #4\n\t"
                     "dls lr, lr\n"
                     "1:\n\t" BIAS CHANNEL("#4]!", "r4", "r8", "r0") CHANNEL("#16]", "r6", "r10", "r12")
                         STORE BIAS CHANNEL("#32]", "r4", "r8", "r0") CHANNEL("#48]", "r6", "r10", "r12") STORE
                     "le lr, 1b\n\t"
                     "vpop {d8-d13}\n\t"
                     "pop {r4-r10, pc}");
#undef GATHER
#undef CHANNEL
#undef BIAS
#undef STORE
}

/* `columns` columns of three rows. */
__attribute__((naked, noinline)) static void interleave_3(const eq_rows *rows UNUSED, int32_t columns UNUSED,
                                                          int8_t *to UNUSED)
{
    __asm__ volatile("push {r4-r8, lr}\n\t"
                     "ldr r12, [r0, #32]\n\t"
                     "vctp.8 r12\n\t"
                     "ldrd r3, r4, [r0]\n\t"
                     "ldr r5, [r0, #8]\n\t"
                     "ldrd r6, r7, [r0, #16]\n\t"
                     "ldr r8, [r0, #24]\n\t"
                     "dls lr, r1\n"
                     "1:\n\t"
                     "vpsttt\n\t"
                     "vldrbt.u8 q0, [r3]\n\t"
                     "vldrbt.u8 q1, [r4]\n\t"
                     "vldrbt.u8 q2, [r5]\n\t"
                     "add r3, r3, r6\n\t"
                     "add r4, r4, r7\n\t"
                     "add r5, r5, r8\n\t"
                     "vst40.8 {q0, q1, q2, q3}, [r2]\n\t"
                     "vst41.8 {q0, q1, q2, q3}, [r2]\n\t"
                     "vst42.8 {q0, q1, q2, q3}, [r2]\n\t"
                     "vst43.8 {q0, q1, q2, q3}, [r2]!\n\t"
                     "le lr, 1b\n\t"
                     "pop {r4-r8, pc}");
}

/* `columns` columns of four rows. */
__attribute__((naked, noinline)) static void interleave_4(const eq_rows *rows UNUSED, int32_t columns UNUSED,
                                                          int8_t *to UNUSED)
{
    __asm__ volatile("push {r4-r10, lr}\n\t"
                     "ldr r12, [r0, #32]\n\t"
                     "vctp.8 r12\n\t"
                     "ldrd r3, r4, [r0]\n\t"
                     "ldrd r5, r9, [r0, #8]\n\t"
                     "ldrd r6, r7, [r0, #16]\n\t"
                     "ldrd r8, r10, [r0, #24]\n\t"
                     "dls lr, r1\n"
                     "1:\n\t"
                     "vpstttt\n\t"
                     "vldrbt.u8 q0, [r3]\n\t"
                     "vldrbt.u8 q1, [r4]\n\t"
                     "vldrbt.u8 q2, [r5]\n\t"
                     "vldrbt.u8 q3, [r9]\n\t"
                     "add r3, r3, r6\n\t"
                     "add r4, r4, r7\n\t"
                     "add r5, r5, r8\n\t"
                     "add r9, r9, r10\n\t"
                     "vst40.8 {q0, q1, q2, q3}, [r2]\n\t"
                     "vst41.8 {q0, q1, q2, q3}, [r2]\n\t"
                     "vst42.8 {q0, q1, q2, q3}, [r2]\n\t"
                     "vst43.8 {q0, q1, q2, q3}, [r2]!\n\t"
                     "le lr, 1b\n\t"
                     "pop {r4-r10, pc}");
}

#else

static void multiply(const eq_windows *x, const int8_t *w, const int32_t *bias, int32_t *to)
{
    const int8_t *const window[TILE] = {x->x0, x->x1, x->x2};
    for (int32_t slot = 0; slot < BLOCK; slot++, w += SIDE * SIDE) {
        const int32_t channel = slot / 4 + slot % 4 * 4;
        for (int32_t i = 0; i < TILE; i++) {
            to[BLOCK * i + slot] = bias[slot];
            for (int32_t tap = 0; tap < SIDE * SIDE; tap++) {
                to[BLOCK * i + slot] += window[i][x->offset[tap / SIDE] + SIDE * channel + tap % SIDE] * w[tap];
            }
        }
    }
}

static void interleave_4(const eq_rows *rows, int32_t columns, int8_t *to)
{
    for (int32_t x = 0; x < columns; x++, to += COLUMN) {
        for (int32_t i = 0; i < COLUMN; i++) {
            const int32_t ky = i % SIDE, channel = i / SIDE;
            to[i] = (int8_t)(channel < rows->bytes ? rows->row[ky][x * rows->step[ky] + channel] : 0);
        }
    }
}

#define interleave_3 interleave_4

#endif

/* A column of a block, given for each row the bytes of a vector. */
static void put_column(const int8_t *const vectors[SIDE], int8_t *to)
{
    const eq_rows rows = {{vectors[0], vectors[1], vectors[2], vectors[3]}, {0, 0, 0, 0}, BLOCK};
    interleave_4(&rows, 1, to);
}

/* What all strips share. */
typedef struct {
    int32_t columns;    /* of a strip */
    int32_t first, end; /* the columns whose block lies inside the image */
    int8_t padding[BLOCK];
} eq_strip;

EQ_INLINE eq_strip strip_of(const eq_depthwise_conv2d_mve_params *p)
{
    const int32_t blocks = (p->out_w + p->together - 1) / p->together;
    const int32_t columns = (blocks - 1) * p->together * p->stride_w + (p->kernel_w - 1) * p->dilation_w + 1;
    const int32_t last = p->in_w - p->together + 1 + p->pad_left;
    eq_strip s = {columns, p->pad_left < columns ? p->pad_left : columns, last < columns ? last : columns, {0}};
    if (s.end < s.first) {
        s.end = s.first;
    }
    eq_store_s8(s.padding, eq_dup_s8(p->pad_value));
    return s;
}

/* A column whose pixels lie partly or wholly outside. `line` of each row; NULL: padding. */
static void edge_column(const eq_depthwise_conv2d_mve_params *p, const eq_strip *s, const int8_t *const line[SIDE],
                        int32_t column, int8_t *to)
{
    int8_t pixels[SIDE][BLOCK];
    const int8_t *vectors[SIDE];
    for (int32_t ky = 0; ky < SIDE; ky++) {
        vectors[ky] = pixels[ky];
        eq_store_s8(pixels[ky], eq_load_s8(s->padding));
        for (int32_t i = 0; i < p->together && line[ky]; i++) {
            const int32_t ix = column - p->pad_left + i;
            if (ix >= 0 && ix < p->in_w) {
                eq_copy_s8(pixels[ky] + i * p->in_c, line[ky] + ix * p->in_c, p->in_c);
            }
        }
    }
    put_column(vectors, to);
}

/* The columns of a block that differ from row to row. */
EQ_INLINE void fill_strip(const eq_depthwise_conv2d_mve_params *p, const eq_strip *s, const int8_t *const line[SIDE],
                          const eq_rows *rows, int8_t *strip)
{
    if (s->end > s->first && p->kernel_h <= 3) {
        interleave_3(rows, s->end - s->first, strip + s->first * COLUMN);
    } else if (s->end > s->first) {
        interleave_4(rows, s->end - s->first, strip + s->first * COLUMN);
    }
    if (p->together > 1) {
        for (int32_t i = 0; i < s->first; i++) {
            edge_column(p, s, line, i, strip + i * COLUMN);
        }
        for (int32_t i = s->end; i < s->columns; i++) {
            edge_column(p, s, line, i, strip + i * COLUMN);
        }
    }
}

/* One output row of a block, whose channels are `bytes` long. */
EQ_INLINE void make_row(const eq_depthwise_conv2d_mve_params *p, eq_windows x, int32_t block, int32_t bytes,
                        int8_t *out, eq_rounding rounding)
{
    int32_t sums[TILE * BLOCK];
    const int8_t *const w = p->weights + block * (BLOCK * SIDE * SIDE);
    const int32_t *const bias = p->bias + block * BLOCK;
    const int32_t *const multiplier = p->multiplier + block * BLOCK;
    const int32_t *const shift = eq_shift_at(p->shift, block * BLOCK, rounding);
    const int32_t step = p->together * p->stride_w * COLUMN;
    eq_finish f = {TILE, p->together * p->out_c, bytes, p->zero_point, p->qmin, p->qmax};
    int32_t left = p->out_w / p->together;
    for (; left > 0; left -= TILE, x.x0 += TILE * step, out += TILE * f.step) {
        x.x1 = x.x2 = x.x0;
        if (left >= TILE) {
            x.x1 += step;
            x.x2 = x.x1 + step;
        } else {
            f.count = left;
            x.x1 += left > 1 ? step : 0;
        }
        multiply(&x, w, bias, sums);
        eq_finish_blocks(sums, multiplier, shift, out, &f, rounding);
    }
    const int32_t rest = p->out_w % p->together;
    if (rest > 0) {
        x.x0 += left * step;
        x.x1 = x.x2 = x.x0;
        f.count = 1;
        f.bytes = rest * p->out_c;
        multiply(&x, w, bias, sums);
        eq_finish_blocks(sums, multiplier, shift, out + left * f.step, &f, rounding);
    }
}

EQ_INLINE void depthwise_4x4(const eq_depthwise_conv2d_mve_params *p, const int8_t *input, int8_t *output,
                             int8_t *strip, eq_rounding rounding)
{
    const int32_t in_line = p->in_w * p->in_c;
    const eq_strip s = strip_of(p);
    const int8_t *const outside[SIDE] = {s.padding, s.padding, s.padding, s.padding};
    eq_windows x = {strip, strip, strip, {0}};
    for (int32_t kx = 0; kx < p->kernel_w; kx++) {
        x.offset[kx] = kx * p->dilation_w * COLUMN;
    }
    for (int32_t i = 0; i < s.columns; i++) {
        if (i < s.first || i >= s.end) {
            put_column(outside, strip + i * COLUMN);
        }
    }
    for (int32_t n = 0; n < p->batch; n++, input += p->in_h * in_line) {
        for (int32_t y = 0; y < p->out_h; y++, output += p->out_w * p->out_c) {
            const int8_t *line[SIDE] = {0, 0, 0, 0};
            eq_rows rows = {{s.padding, s.padding, s.padding, s.padding}, {0, 0, 0, 0}, BLOCK};
            int32_t next[SIDE] = {0, 0, 0, 0};
            for (int32_t ky = 0; ky < p->kernel_h; ky++) {
                const int32_t iy = y * p->stride_h - p->pad_top + ky * p->dilation_h;
                if (iy >= 0 && iy < p->in_h) {
                    line[ky] = input + iy * in_line;
                    rows.row[ky] = line[ky] + (s.first - p->pad_left) * p->in_c;
                    rows.step[ky] = p->in_c;
                    next[ky] = BLOCK;
                }
            }
            for (int32_t block = 0, left = p->in_c; left > 0; block++, left -= BLOCK) {
                if (p->together == 1 && left < BLOCK) {
                    rows.bytes = left;
                }
                fill_strip(p, &s, line, &rows, strip);
                make_row(p, x, block, rows.bytes, output + block * BLOCK, rounding);
                for (int32_t ky = 0; ky < SIDE; ky++) {
                    rows.row[ky] += next[ky];
                }
            }
        }
    }
}

#define DEFINE(suffix, rounding)                                                                                       \
    void eq_depthwise_conv2d_4x4_mve_##suffix(const eq_depthwise_conv2d_mve_params *p, const int8_t *input,            \
                                              int8_t *output, void *scratch)                                           \
    {                                                                                                                  \
        depthwise_4x4(p, input, output, (int8_t *)scratch, rounding);                                                  \
    }
EQ_FOR_EACH_ROUNDING(DEFINE)
