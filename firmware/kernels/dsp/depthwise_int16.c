#include "eq/depthwise_conv2d_int16_dsp.h"
#include "eq/dsp.h"
#include "inline.h"

/* A pair of channels, in the order in which it is read. */
typedef struct {
    int32_t bias[2];
    int32_t taps[9]; /* weights of both channels, column after column */
    struct {
        int32_t mantissa, half, shift; /* half a unit of what is shifted out */
    } scale[2];
    int32_t low, high; /* bounds, twice each */
    int32_t row;       /* bytes of a row of the output */
} record;

/* A column of the output: its windows' three columns of words, `high` rows each, the first one at `top`. */
typedef struct {
    const int32_t *top, *top_end;
    int32_t high;
    int16_t *out;
} column;

/* Two rows of the output after the other, windows one row apart. */
#if EQ_DSP_NATIVE

/* Registers: r0, r1 and r2 columns, r3 record, r4 to r7 sums, r8 to r11 words, r12 weights, lr output. */
#define EQ_TAP(upper, lower)                                                                                           \
    "ldr r12, [r3], #4\n\t"                                                                                            \
    "smlabb r4, " upper ", r12, r4\n\t"                                                                                \
    "smlatt r5, " upper ", r12, r5\n\t"                                                                                \
    "smlabb r6, " lower ", r12, r6\n\t"                                                                                \
    "smlatt r7, " lower ", r12, r7\n\t"

#define EQ_SIGNED(q) "ssat " q ", #16, " q "\n\t"
#define EQ_POSITIVE(q) "usat " q ", #15, " q "\n\t"

/* The first tap begins with the biases, which the lower window takes from the upper one. */
#define EQ_FIRST                                                                                                       \
    "ldr r12, [r3], #4\n\t"                                                                                            \
    "smlabb r6, r9, r12, r4\n\t"                                                                                       \
    "smlatt r7, r9, r12, r5\n\t"                                                                                       \
    "smlabb r4, r8, r12, r4\n\t"                                                                                       \
    "smlatt r5, r8, r12, r5\n\t"

#define EQ_COLUMN(at, first) "ldmia " at ", {r8-r11}\n\t" first EQ_TAP("r9", "r10") EQ_TAP("r10", "r11")

#define EQ_SCALE(upper, lower, saturate)                                                                               \
    "ldmia r3!, {r8-r10}\n\t"                                                                                          \
    "smmla " upper ", " upper ", r8, r9\n\t"                                                                           \
    "smmla " lower ", " lower ", r8, r9\n\t"                                                                           \
    "asr " upper ", " upper ", r10\n\t"                                                                                \
    "asr " lower ", " lower ", r10\n\t" saturate(upper) saturate(lower)

#define EQ_BOUND(q)                                                                                                    \
    "ssub16 r11, " q ", r8\n\t"                                                                                        \
    "sel " q ", " q ", r8\n\t"                                                                                         \
    "ssub16 r11, r9, " q "\n\t"                                                                                        \
    "sel " q ", " q ", r9\n\t"

#define EQ_BOUNDS EQ_BOUND("r4") EQ_BOUND("r6")

#define EQ_DEFINE(name, saturate, bounds)                                                                              \
    __attribute__((naked)) static void two_by_two_##name(const column *c __attribute__((unused)),                      \
                                                         const record *of __attribute__((unused)))                     \
    {                                                                                                                  \
        __asm__("push {r4-r11, lr}\n\t"                                                                                \
                "mov r3, r1\n\t"                                                                                       \
                "ldmia r0, {r0, r4, r5, lr}\n\t"                                                                       \
                "push {r4}\n\t"                                                                                        \
                "add r1, r0, r5, lsl #2\n\t"                                                                           \
                "add r2, r1, r5, lsl #2\n"                                                                             \
                "1:\n\t"                                                                                               \
                "ldmia r3!, {r4, r5}\n\t" EQ_COLUMN("r0", EQ_FIRST) EQ_COLUMN("r1", EQ_TAP("r8", "r9"))                \
                    EQ_COLUMN("r2", EQ_TAP("r8", "r9")) EQ_SCALE("r4", "r6", saturate)                                 \
                        EQ_SCALE("r5", "r7", saturate) "ldmia r3!, {r8-r10}\n\t"                                       \
                                                       "pkhbt r4, r4, r5, lsl #16\n\t"                                 \
                                                       "pkhbt r6, r6, r7, lsl #16\n\t" bounds "str r4, [lr]\n\t"       \
                                                       "str r6, [lr, r10]\n\t"                                         \
                                                       "add lr, lr, r10, lsl #1\n\t"                                   \
                                                       "ldr r4, [sp]\n\t"                                              \
                                                       "sub r3, r3, #80\n\t"                                           \
                                                       "add r0, r0, #8\n\t"                                            \
                                                       "add r1, r1, #8\n\t"                                            \
                                                       "add r2, r2, #8\n\t"                                            \
                                                       "cmp r0, r4\n\t"                                                \
                                                       "bne 1b\n\t"                                                    \
                                                       "add sp, sp, #4\n\t"                                            \
                                                       "pop {r4-r11, pc}");                                            \
    }

/* Bounds that are those of int16, or 0 and the greatest int16, cost nothing. */
EQ_DEFINE(whole, EQ_SIGNED, "")
EQ_DEFINE(positive, EQ_POSITIVE, "")
EQ_DEFINE(any, EQ_SIGNED, EQ_BOUNDS)

#endif

static inline void store(const record *of, int32_t first, int32_t second, int16_t *out)
{
    const int32_t a = eq_ssat16(eq_smmla(first, of->scale[0].mantissa, of->scale[0].half) >> of->scale[0].shift);
    const int32_t b = eq_ssat16(eq_smmla(second, of->scale[1].mantissa, of->scale[1].half) >> of->scale[1].shift);
    const int32_t q = eq_smin16(eq_smax16(eq_pkhbt(a, b), of->low), of->high);
    memcpy(out, &q, sizeof q);
}

/* One row of the output after the other, windows `stride` rows apart. */
static inline void one_by_one(const column *c, const record *of, int32_t stride, int32_t rows)
{
    const int32_t *left = c->top;
    int16_t *out = c->out;
    for (; rows > 0; rows--, left += stride, out += of->row / 2) {
        const int32_t *at = left, *taps = of->taps;
        int32_t first = of->bias[0], second = of->bias[1];
        for (int32_t kx = 0; kx < 3; kx++, at += c->high, taps += 3) {
            first = eq_smlabb(at[0], taps[0], first);
            second = eq_smlatt(at[0], taps[0], second);
            first = eq_smlabb(at[1], taps[1], first);
            second = eq_smlatt(at[1], taps[1], second);
            first = eq_smlabb(at[2], taps[2], first);
            second = eq_smlatt(at[2], taps[2], second);
        }
        store(of, first, second, out);
    }
}

static inline record unpack(const eq_depthwise_conv2d_int16_dsp_params *p, const int32_t *packed)
{
    record of;
    int32_t taps[10];
    for (int32_t i = 0; i < 5; i++) {
        taps[2 * i] = eq_sxtb16(packed[5 + i]);
        taps[2 * i + 1] = eq_sxtb16_ror8(packed[5 + i]);
    }
    memcpy(of.taps, taps, sizeof of.taps);
    for (int32_t j = 0; j < 2; j++) {
        of.bias[j] = packed[j];
        of.scale[j].mantissa = packed[2 + j];
        of.scale[j].shift = packed[4] >> (8 * j) & 31;
        of.scale[j].half = 1 << (of.scale[j].shift - 1);
    }
    of.low = eq_splat16(p->qmin);
    of.high = eq_splat16(p->qmax);
    of.row = p->out_w * p->in_c * 2;
    return of;
}

/* Columns of a pair of channels from row `y` on, `high` words each; with their padding, if it is not there yet. */
static inline void widen(const eq_depthwise_conv2d_int16_dsp_params *p, const int16_t *image, int32_t y, int32_t high,
                         int32_t pads, int32_t *to)
{
    if (pads) {
        memset(to, 0, (size_t)(p->columns * high) * sizeof *to);
    }
    const int32_t next = p->in_w * p->in_c, above = y < 0 ? -y : 0;
    const int32_t end = p->in_h - y < high ? p->in_h - y : high;
    const int32_t columns = p->columns - p->pad_left < p->in_w ? p->columns - p->pad_left : p->in_w;
    image += (y + above) * next;
    for (int32_t x = 0; x < columns; x++, image += p->in_c) {
        const int16_t *from = image;
        int32_t *at = to + (x + p->pad_left) * high + above;
        int32_t left = end - above;
        for (; left >= 4; left -= 4, at += 4, from += 4 * next) {
            memcpy(at, from, 4);
            memcpy(at + 1, from + next, 4);
            memcpy(at + 2, from + 2 * next, 4);
            memcpy(at + 3, from + 3 * next, 4);
        }
        for (; left > 0; left--, at++, from += next) {
            memcpy(at, from, 4);
        }
    }
}

/* All columns of some rows of a pair of channels. */
static inline void stripe(const eq_depthwise_conv2d_int16_dsp_params *p, const record *of, const int32_t *plane,
                          int32_t high, int32_t rows, int16_t *out)
{
#if EQ_DSP_NATIVE
    void (*const two_by_two)(const column *, const record *) = p->qmax < INT16_MAX    ? two_by_two_any
                                                               : p->qmin == 0         ? two_by_two_positive
                                                               : p->qmin == INT16_MIN ? two_by_two_whole
                                                                                      : two_by_two_any;
#endif
    for (int32_t x = 0; x < p->out_w; x++, out += p->in_c, plane += p->stride_w * high) {
        column c = {plane, plane + rows, high, out};
#if EQ_DSP_NATIVE
        if (p->stride_h == 1) {
            const int32_t even = rows & ~1;
            c.top_end = plane + even;
            if (even) {
                two_by_two(&c, of);
            }
            c.top = plane + even;
            c.out = out + even * (of->row / 2);
            one_by_one(&c, of, 1, rows & 1);
            continue;
        }
#endif
        one_by_one(&c, of, p->stride_h, rows);
    }
}

void eq_depthwise_conv2d_int16_dsp(const eq_depthwise_conv2d_int16_dsp_params *p, const int16_t *input, int16_t *output,
                                   void *scratch)
{
    const int32_t row = p->out_w * p->in_c;
    for (int32_t n = 0; n < p->batch; n++, input += p->in_h * p->in_w * p->in_c, output += p->out_h * row) {
        const int32_t *packed = p->weights;
        for (int32_t c = 0; c < p->in_c; c += 2, packed += 10) {
            const record of = unpack(p, packed);
            for (int32_t y = 0; y < p->out_h; y += p->stripe) {
                const int32_t rows = p->out_h - y < p->stripe ? p->out_h - y : p->stripe;
                const int32_t high = (rows - 1) * p->stride_h + 3;
                widen(p, input + c, y * p->stride_h - p->pad_top, high, c == 0 || rows < p->out_h, scratch);
                stripe(p, &of, scratch, high, rows, output + y * row + c);
            }
        }
    }
}
