#include "eq/conv2d_int16_dsp.h"
#include "eq/dsp.h"
#include "eq/taps.h"
#include "inline.h"

/* Some pairs of output channels of three windows. */
typedef struct {
    int32_t words;    /* pairs of values in a window */
    const int32_t *x; /* pairs of values, that of each window in turn */
    int16_t *out, *out_end;
    int32_t second, third; /* where the other windows' outputs are, in bytes */
    int32_t low, high;     /* bounds, twice each */
} task;

/* Returns the end of the weights. */
#if EQ_DSP_NATIVE

/* Registers: r0 weights, r1 x, r2 words, r4-r9 sums, r10 and r11 weights of both channels, r3, r12 and lr pairs. */
#define EQ_STEP                                                                                                        \
    "ldr r10, [r0], #4\n\t"                                                                                            \
    "ldmia r1!, {r3, r12, lr}\n\t"                                                                                     \
    "sxtb16 r11, r10, ror #8\n\t"                                                                                      \
    "sxtb16 r10, r10\n\t"                                                                                              \
    "smlad r4, r10, r3, r4\n\t"                                                                                        \
    "smlad r5, r10, r12, r5\n\t"                                                                                       \
    "smlad r6, r10, lr, r6\n\t"                                                                                        \
    "smlad r7, r11, r3, r7\n\t"                                                                                        \
    "smlad r8, r11, r12, r8\n\t"                                                                                       \
    "smlad r9, r11, lr, r9\n\t"

/* Three sums of one channel: r1 its shift less 1, then 2 to the power of that. */
#define EQ_SCALE(a, b, c, mantissa, shift)                                                                             \
    "sub r1, " shift ", #1\n\t"                                                                                        \
    "lsl r1, lr, r1\n\t"                                                                                               \
    "smmla " a ", " a ", " mantissa ", r1\n\t"                                                                         \
    "smmla " b ", " b ", " mantissa ", r1\n\t"                                                                         \
    "smmla " c ", " c ", " mantissa ", r1\n\t"                                                                         \
    "asr " a ", " a ", " shift "\n\t"                                                                                  \
    "asr " b ", " b ", " shift "\n\t"                                                                                  \
    "asr " c ", " c ", " shift "\n\t"                                                                                  \
    "ssat " a ", #16, " a "\n\t"                                                                                       \
    "ssat " b ", #16, " b "\n\t"                                                                                       \
    "ssat " c ", #16, " c "\n\t"

/* Two channels of one window, within the bounds r1 and r2. */
#define EQ_JOIN(a, b)                                                                                                  \
    "pkhbt " a ", " a ", " b ", lsl #16\n\t"                                                                           \
    "ssub16 r3, " a ", r1\n\t"                                                                                         \
    "sel " a ", " a ", r1\n\t"                                                                                         \
    "ssub16 r3, r2, " a "\n\t"                                                                                         \
    "sel " a ", " a ", r2\n\t"

/* The stack is a copy of *t, as it says. */
__attribute__((naked)) static const int32_t *multiply(const int32_t *weights __attribute__((unused)),
                                                      const task *t __attribute__((unused)))
{
    __asm__("push {r4-r11, lr}\n\t"
            "sub sp, sp, #32\n\t"
            "ldmia r1, {r4-r11}\n\t"
            "stmia sp, {r4-r11}\n"
            "5:\n\t"
            "ldmia r0!, {r4, r7}\n\t"
            "mov r5, r4\n\t"
            "mov r6, r4\n\t"
            "mov r8, r7\n\t"
            "mov r9, r7\n\t"
            "ldr r2, [sp]\n\t"
            "ldr r1, [sp, #4]\n\t"
            "tst r2, #1\n\t"
            "beq 1f\n\t" EQ_STEP "1:\n\t"
            "tst r2, #2\n\t"
            "beq 2f\n\t" EQ_STEP EQ_STEP "2:\n\t"
            "lsrs r2, r2, #2\n\t"
            "beq 4f\n"
            "3:\n\t" EQ_STEP EQ_STEP EQ_STEP EQ_STEP "subs r2, r2, #1\n\t"
            "bne 3b\n"
            "4:\n\t"
            "ldmia r0!, {r10-r12}\n\t"
            "uxtb r3, r12\n\t"
            "uxtb r12, r12, ror #8\n\t"
            "mov lr, #1\n\t" EQ_SCALE("r4", "r5", "r6", "r10", "r3")
                EQ_SCALE("r7", "r8", "r9", "r11", "r12") "ldr r1, [sp, #24]\n\t"
                                                         "ldr r2, [sp, #28]\n\t" EQ_JOIN("r4", "r7") EQ_JOIN("r5", "r8")
                                                             EQ_JOIN("r6", "r9") "ldr r1, [sp, #8]\n\t"
                                                                                 "ldr r2, [sp, #16]\n\t"
                                                                                 "ldr r3, [sp, #20]\n\t"
                                                                                 "str r5, [r1, r2]\n\t"
                                                                                 "str r6, [r1, r3]\n\t"
                                                                                 "str r4, [r1], #4\n\t"
                                                                                 "ldr r2, [sp, #12]\n\t"
                                                                                 "str r1, [sp, #8]\n\t"
                                                                                 "cmp r1, r2\n\t"
                                                                                 "bne 5b\n\t"
                                                                                 "add sp, sp, #32\n\t"
                                                                                 "pop {r4-r11, pc}");
}

/* Registers: r0 weights, r1 x, r2 and r3 sums, r4-r7 weights of both channels, r8-r11 pairs, r12 those of one, lr turns
 * of two steps left. */
#define EQ_ONE(word, pair)                                                                                             \
    "sxtb16 r12, " word "\n\t"                                                                                         \
    "sxtb16 " word ", " word ", ror #8\n\t"                                                                            \
    "smlad r2, r12, " pair ", r2\n\t"                                                                                  \
    "smlad r3, " word ", " pair ", r3\n\t"
#define EQ_FOUR_OF_ONE                                                                                                 \
    "ldmia r0!, {r4-r7}\n\t"                                                                                           \
    "ldmia r1!, {r8-r11}\n\t" EQ_ONE("r4", "r8") EQ_ONE("r5", "r9") EQ_ONE("r6", "r10") EQ_ONE("r7", "r11")

/* Adds `fours` times four words to the sums of two channels of one window; fours > 0. */
__attribute__((naked)) static void multiply_fours(const int32_t *weights __attribute__((unused)),
                                                  const int32_t *x __attribute__((unused)),
                                                  int32_t fours __attribute__((unused)),
                                                  int32_t *sums __attribute__((unused)))
{
    __asm__("push {r3-r11, lr}\n\t"
            "add lr, r2, #1\n\t"
            "ldmia r3, {r2, r3}\n\t"
            "lsrs lr, lr, #1\n\t"
            "bcc 2f\n"
            "1:\n\t" EQ_FOUR_OF_ONE "2:\n\t" EQ_FOUR_OF_ONE "subs lr, lr, #1\n\t"
            "bne 1b\n\t"
            "ldr r1, [sp]\n\t"
            "stmia r1, {r2, r3}\n\t"
            "pop {r3-r11, pc}");
}

#else

static int16_t within(const task *t, int32_t sum, int32_t mantissa, int32_t shift)
{
    const int32_t q = eq_ssat16(eq_smmla(sum, mantissa, 1 << (shift - 1)) >> shift);
    const int32_t low = eq_bottom(t->low), high = eq_bottom(t->high);
    return (int16_t)(q < low ? low : q > high ? high : q);
}

static const int32_t *multiply(const int32_t *weights, const task *t)
{
    const int32_t away[3] = {0, t->second / 2, t->third / 2};
    for (int16_t *out = t->out; out != t->out_end; out += 2, weights += 3) {
        const int32_t *x = t->x;
        int32_t sums[3][2];
        for (int32_t i = 0; i < 3; i++) {
            sums[i][0] = weights[0];
            sums[i][1] = weights[1];
        }
        weights += 2;
        for (int32_t word = 0; word < t->words; word++, x += 3) {
            const int32_t first = eq_sxtb16(*weights), second = eq_sxtb16_ror8(*weights++);
            for (int32_t i = 0; i < 3; i++) {
                sums[i][0] = eq_smlad(first, x[i], sums[i][0]);
                sums[i][1] = eq_smlad(second, x[i], sums[i][1]);
            }
        }
        for (int32_t i = 0; i < 3; i++) {
            for (int32_t j = 0; j < 2; j++) {
                out[away[i] + j] = within(t, sums[i][j], weights[j], weights[2] >> (8 * j) & 31);
            }
        }
    }
    return weights;
}

static void multiply_fours(const int32_t *weights, const int32_t *x, int32_t fours, int32_t *sums)
{
    for (int32_t i = 0; i < 4 * fours; i++) {
        sums[0] = eq_smlad(eq_sxtb16(weights[i]), x[i], sums[0]);
        sums[1] = eq_smlad(eq_sxtb16_ror8(weights[i]), x[i], sums[1]);
    }
}

#endif

/* The same of one window, whose pairs of values are side by side. */
static inline const int32_t *multiply_one(const eq_conv2d_int16_dsp_params *p, const int32_t *weights, const int32_t *x,
                                          int16_t *out)
{
    int32_t sums[2] = {weights[0], weights[1]};
    const int32_t words = p->k >> 1, fours = words >> 2;
    weights += 2;
    if (fours > 0) {
        multiply_fours(weights, x, fours, sums);
        weights += 4 * fours, x += 4 * fours;
    }
    for (int32_t left = words & 3; left > 0; left--, x++, weights++) {
        sums[0] = eq_smlad(eq_sxtb16(*weights), *x, sums[0]);
        sums[1] = eq_smlad(eq_sxtb16_ror8(*weights), *x, sums[1]);
    }
    for (int32_t j = 0; j < 2; j++) {
        const int32_t shift = weights[2] >> (8 * j) & 31;
        const int32_t q = eq_smmla(sums[j], weights[j], 1 << (shift - 1)) >> shift;
        out[j] = (int16_t)(q < p->qmin ? p->qmin : q > p->qmax ? p->qmax : q);
    }
    return weights + 3;
}

/* All output channels of three windows side by side in x, of which the last may be there twice; or of one. */
static inline void product(const eq_conv2d_int16_dsp_params *p, const int32_t *x, int32_t valid, int16_t *out)
{
    const int32_t *weights = p->weights;
    int16_t *const end = out + p->out_c;
    const int32_t odd = p->out_c & 1, row = 2 * p->out_c;
    if (valid == 1) {
        for (; out != end; out += odd && end - out == p->out_c ? 1 : 2) {
            weights = multiply_one(p, weights, x, out);
        }
        return;
    }
    task t = {p->k >> 1, x, out, end, row, valid == 3 ? 2 * row : row, eq_splat16(p->qmin), eq_splat16(p->qmax)};
    if (odd) {
        t.out_end = out + 2;
        weights = multiply(weights, &t);
        t.out = out + 1;
        t.out_end = end;
    }
    multiply(weights, &t);
}

static inline int32_t pair_at(const int16_t *from)
{
    int32_t pair;
    memcpy(&pair, from, sizeof pair);
    return pair;
}

/* `count` values, from `from` to `to`. */
static inline int16_t *copy(int16_t *to, const int16_t *from, int32_t count)
{
    for (; count >= 2; count -= 2, to += 2, from += 2) {
        memcpy(to, from, 4);
    }
    if (count) {
        *to++ = *from;
    }
    return to;
}

/* Windows of n values side by side, `step` words apart for each pair of values. */
static inline void place(const int16_t *from, int32_t n, int32_t *x, int32_t step)
{
    for (; n >= 2; n -= 2, from += 2, x += step) {
        *x = pair_at(from);
    }
    if (n) {
        *x = eq_pkhbt(*from, 0);
    }
}

static inline void place_three(const int16_t *const from[3], int32_t n, int32_t *x)
{
    const int16_t *first = from[0], *second = from[1], *third = from[2];
    for (; n >= 2; n -= 2, first += 2, second += 2, third += 2, x += 3) {
        x[0] = pair_at(first);
        x[1] = pair_at(second);
        x[2] = pair_at(third);
    }
    if (n) {
        x[0] = eq_pkhbt(*first, 0);
        x[1] = eq_pkhbt(*second, 0);
        x[2] = eq_pkhbt(*third, 0);
    }
}

/* The window of an output pixel, zeros where it leaves the image. */
static inline void window(const eq_conv2d_int16_dsp_params *p, const int16_t *input, int32_t pixel, int16_t *to)
{
    const int32_t x = pixel % p->out_w, row = pixel / p->out_w;
    const int16_t *const image = input + row / p->out_h * p->in_h * p->in_w * p->in_c;
    const eq_taps rows = eq_taps_inside(row % p->out_h, p->stride_h, p->pad_top, p->dilation_h, p->kernel_h, p->in_h);
    const eq_taps columns = eq_taps_inside(x, p->stride_w, p->pad_left, p->dilation_w, p->kernel_w, p->in_w);
    const int32_t run = p->kernel_w * p->in_c;
    if (rows.end - rows.first < p->kernel_h || columns.end - columns.first < p->kernel_w) {
        memset(to, 0, (size_t)(p->kernel_h * run) * sizeof *to);
    }
    for (int32_t ky = rows.first; ky < rows.end; ky++) {
        const int16_t *const from = image + (rows.start + ky * p->dilation_h) * p->in_w * p->in_c;
        int16_t *at = to + ky * run + columns.first * p->in_c;
        if (p->dilation_w == 1 && columns.end > columns.first) {
            copy(at, from + (columns.start + columns.first) * p->in_c, (columns.end - columns.first) * p->in_c);
            continue;
        }
        for (int32_t kx = columns.first; kx < columns.end; kx++) {
            at = copy(at, from + (columns.start + kx * p->dilation_w) * p->in_c, p->in_c);
        }
    }
}

void eq_conv2d_int16_dsp(const eq_conv2d_int16_dsp_params *p, const int16_t *input, int16_t *output, void *scratch)
{
    const int32_t n = p->kernel_h * p->kernel_w * p->in_c, pixels = p->batch * p->out_h * p->out_w;
    int32_t *const x = scratch;
    int16_t *const windows = (int16_t *)scratch + 3 * p->k;
    for (int32_t pixel = 0; pixel < pixels; pixel += 3, output += 3 * p->out_c) {
        const int32_t valid = pixels - pixel < 3 ? pixels - pixel : 3;
        const int16_t *from[3];
        for (int32_t i = 0; i < 3; i++) {
            const int32_t at = pixel + (i < valid ? i : valid - 1);
            from[i] = p->direct ? input + at * p->in_c : windows + i * p->k;
            if (!p->direct) {
                window(p, input, at, windows + i * p->k);
            }
        }
        if (valid == 1) {
            place(from[0], n, x, 1);
        } else {
            place_three(from, n, x);
        }
        product(p, x, valid, output);
    }
}
