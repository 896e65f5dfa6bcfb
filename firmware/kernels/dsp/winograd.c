#include "eq/winograd_dsp.h"

#include "eq/dsp.h"
#include "requant.h"

#if EQ_DSP_NATIVE && defined(__thumb2__)
#define EQ_ASSEMBLY 1
#else
#define EQ_ASSEMBLY 0
#endif

/* Functions that are given a function: the call is to be a direct one. */
#define EQ_INLINE static inline __attribute__((always_inline))

#define BLOCK_WORDS 32 /* of two input channels: 16 positions of two tiles */

#if EQ_ASSEMBLY

/* One column of four values of four channels, times B': r0 the column and r1 to the next one; r2 and r3 one and three
 * rows further. Written are the rows 0, 2, 3 and 1 of two channels each. */
#define EQ_HALF_COLUMN(rotation)                                                                                       \
    "sxtb16 r8, r4" rotation "\n\t"                                                                                    \
    "sxtb16 r9, r5" rotation "\n\t"                                                                                    \
    "sxtb16 r10, r6" rotation "\n\t"                                                                                   \
    "sxtb16 r11, r7" rotation "\n\t"                                                                                   \
    "ssub16 r8, r8, r10\n\t"                                                                                           \
    "sadd16 r12, r9, r10\n\t"                                                                                          \
    "ssub16 r10, r10, r9\n\t"                                                                                          \
    "ssub16 r11, r9, r11\n\t"                                                                                          \
    "stmia lr!, {r8, r10, r11, r12}\n\t"

#define EQ_COLUMN                                                                                                      \
    "ldr r4, [r0]\n\t"                                                                                                 \
    "ldr r5, [r0, r2]\n\t"                                                                                             \
    "ldr r6, [r0, r2, lsl #1]\n\t"                                                                                     \
    "ldr r7, [r0, r3]\n\t"                                                                                             \
    "add r0, r0, r1\n\t" EQ_HALF_COLUMN("") EQ_HALF_COLUMN(", ror #8")

#define EQ_COLUMNS EQ_COLUMN EQ_COLUMN EQ_COLUMN EQ_COLUMN EQ_COLUMN EQ_COLUMN

/* One row of the six columns, times B, for both tiles. */
#define EQ_ROW(at)                                                                                                     \
    "ldr r8, [sp, #" at "]\n\t"                                                                                        \
    "ldr r10, [sp, #" at " + 32]\n\t"                                                                                  \
    "ldr r9, [sp, #" at " + 64]\n\t"                                                                                   \
    "ldr r12, [sp, #" at " + 96]\n\t"                                                                                  \
    "ldr r7, [sp, #" at " + 128]\n\t"                                                                                  \
    "ldr r11, [sp, #" at " + 160]\n\t"                                                                                 \
    "sadd16 r4, r10, r9\n\t"                                                                                           \
    "sadd16 r5, r12, r7\n\t"                                                                                           \
    "ssub16 r6, r9, r10\n\t"                                                                                           \
    "ssub16 r8, r8, r9\n\t"                                                                                            \
    "ssub16 r9, r9, r7\n\t"                                                                                            \
    "ssub16 r7, r7, r12\n\t"                                                                                           \
    "ssub16 r10, r10, r12\n\t"                                                                                         \
    "ssub16 r11, r12, r11\n\t"                                                                                         \
    "stmia lr!, {r4-r11}\n\t"

/* Rows 1, 2, 0 and 3 of two channels, then of the other two. */
#define EQ_ROWS EQ_ROW("12") EQ_ROW("4") EQ_ROW("0") EQ_ROW("8") EQ_ROW("28") EQ_ROW("20") EQ_ROW("16") EQ_ROW("24")

/* On the stack: six columns of 32 bytes; 192 where to write, 196 channels left. */
__attribute__((naked)) static void transform(const int8_t *from __attribute__((unused)),
                                             int32_t channels __attribute__((unused)),
                                             int32_t row __attribute__((unused)), int32_t *to __attribute__((unused)))
{
    __asm__("push {r4-r11, lr}\n\t"
            "sub sp, sp, #204\n\t"
            "strd r3, r1, [sp, #192]\n\t"
            "add r3, r2, r2, lsl #1\n"
            "1:\n\t"
            "mov lr, sp\n\t" EQ_COLUMNS "ldr lr, [sp, #192]\n\t" EQ_ROWS "ldr r4, [sp, #196]\n\t"
            "add r5, r1, r1, lsl #1\n\t"
            "sub r0, r0, r5, lsl #1\n\t"
            "adds r0, r0, #4\n\t"
            "subs r4, r4, #4\n\t"
            "strd lr, r4, [sp, #192]\n\t"
            "bne.w 1b\n\t"
            "add sp, sp, #204\n\t"
            "pop {r4-r11, pc}");
}

#else

/* a, b, c and d times B: what becomes of the positions in the order 1, 2, 0, 3. */
static void times_b(int32_t a, int32_t b, int32_t c, int32_t d, int32_t step, int32_t *to)
{
    to[0] = eq_sadd16(b, c);
    to[step] = eq_ssub16(c, b);
    to[2 * step] = eq_ssub16(a, c);
    to[3 * step] = eq_ssub16(b, d);
}

/* Two channels of the inputs of two tiles, which are six columns. */
static void transform_pair(int32_t (*columns)[4], int32_t *to)
{
    int32_t rows[4][6];
    for (int32_t x = 0; x < 6; x++) {
        const int32_t *const d = columns[x];
        times_b(d[0], d[1], d[2], d[3], 6, &rows[0][x]);
    }
    for (int32_t y = 0; y < 4; y++, to += 8) {
        const int32_t *const d = rows[y];
        times_b(d[0], d[1], d[2], d[3], 2, to);
        times_b(d[2], d[3], d[4], d[5], 2, to + 1);
    }
}

static void transform(const int8_t *from, int32_t channels, int32_t row, int32_t *to)
{
    for (int32_t c = 0; c < channels; c += 4, to += 2 * BLOCK_WORDS) {
        int32_t even[6][4], odd[6][4];
        for (int32_t x = 0; x < 6; x++) {
            for (int32_t y = 0; y < 4; y++) {
                const int32_t word = eq_load4(from + y * row + x * channels + c);
                even[x][y] = eq_sxtb16(word);
                odd[x][y] = eq_sxtb16_ror8(word);
            }
        }
        transform_pair(even, to);
        transform_pair(odd, to + BLOCK_WORDS);
    }
}

#endif

#if EQ_ASSEMBLY

/* Registers: r0 inputs, r1 weights, r2 and r3 the inputs of two tiles, r4 and r5 weights, r6-r9 the first tile's
 * accumulators and r10-r12 and lr the second's. A step is two input channels. */
#define EQ_STEP                                                                                                        \
    "ldrd r2, r3, [r0], #128\n\t"                                                                                      \
    "ldrd r4, r5, [r1], #8\n\t"                                                                                        \
    "smlad r6, r4, r2, r6\n\t"                                                                                         \
    "smlad r10, r4, r3, r10\n\t"                                                                                       \
    "smlad r7, r5, r2, r7\n\t"                                                                                         \
    "smlad r11, r5, r3, r11\n\t"                                                                                       \
    "ldrd r4, r5, [r1], #8\n\t"                                                                                        \
    "smlad r8, r4, r2, r8\n\t"                                                                                         \
    "smlad r12, r4, r3, r12\n\t"                                                                                       \
    "smlad r9, r5, r2, r9\n\t"                                                                                         \
    "smlad lr, r5, r3, lr\n\t"

/* On the stack: 0 end of the inputs, 4 from the end of a position back to the next one, 8 entry of the loop, 12 where
 * it returns to, 16 where results go; then eight words each. */
#define EQ_SIDE "24"
#define EQ_LEFT "56"
#define EQ_RIGHT "88"
#define EQ_UPPER_LEFT "120"
#define EQ_UPPER_RIGHT "152"
#define EQ_ZEROS "184"

/* All input channels of the next position. */
#define EQ_MULTIPLY                                                                                                    \
    "adr.w r2, 9f + 1\n\t"                                                                                             \
    "str r2, [sp, #12]\n\t"                                                                                            \
    "ldr pc, [sp, #8]\n"                                                                                               \
    "9:\n\t"

#define EQ_LOAD(at) "add r2, sp, #" at "\n\tldmia r2, {r6-r12, lr}\n\t"
#define EQ_SAVE(at) "add r2, sp, #" at "\n\tstmia r2, {r6-r12, lr}\n\t"

/* To m, the value in memory, is added the accumulator a; what stays in memory is m - a. */
#define EQ_SPLIT_TWO(at, a, b)                                                                                         \
    "ldrd r2, r3, [sp, #" at "]\n\t"                                                                                   \
    "sub r4, r2, " a "\n\t"                                                                                            \
    "sub r5, r3, " b "\n\t"                                                                                            \
    "add " a ", r2, " a "\n\t"                                                                                         \
    "add " b ", r3, " b "\n\t"                                                                                         \
    "strd r4, r5, [sp, #" at "]\n\t"
#define EQ_SPLIT(at)                                                                                                   \
    EQ_SPLIT_TWO(at, "r6", "r7")                                                                                       \
    EQ_SPLIT_TWO(at " + 8", "r8", "r9")                                                                                \
    EQ_SPLIT_TWO(at " + 16", "r10", "r11")                                                                             \
    EQ_SPLIT_TWO(at " + 24", "r12", "lr")

#define EQ_ADD_TWO(at, a, b)                                                                                           \
    "ldrd r2, r3, [sp, #" at "]\n\t"                                                                                   \
    "add " a ", " a ", r2\n\t"                                                                                         \
    "add " b ", " b ", r3\n\t"
#define EQ_ADD(at)                                                                                                     \
    EQ_ADD_TWO(at, "r6", "r7")                                                                                         \
    EQ_ADD_TWO(at " + 8", "r8", "r9")                                                                                  \
    EQ_ADD_TWO(at " + 16", "r10", "r11")                                                                               \
    EQ_ADD_TWO(at " + 24", "r12", "lr")

#define EQ_RESULT                                                                                                      \
    "ldr r2, [sp, #16]\n\t"                                                                                            \
    "stmia r2!, {r6-r12, lr}\n\t"                                                                                      \
    "str r2, [sp, #16]\n\t"

/* A row of positions, 1, 2, 0 and 3, from where the accumulators are set: 1 and 2 give what the sums of the left column
 * begin with, to which 0 is added, and those of the right one, to which 3 is. `left` and `right` are done before that,
 * the others after it. */
#define EQ_POSITIONS(left, after_left, right, after_right)                                                             \
    EQ_MULTIPLY                                                                                                        \
    EQ_SAVE(EQ_SIDE)                                                                                                   \
    EQ_LOAD(EQ_ZEROS)                                                                                                  \
    EQ_MULTIPLY                                                                                                        \
    EQ_SPLIT(EQ_SIDE)                                                                                                  \
    left EQ_MULTIPLY after_left EQ_LOAD(EQ_SIDE)                                                                       \
    right EQ_MULTIPLY after_right

/* The rows likewise: 1 and 2 give what the sums of the upper and of the lower row begin with. */
#define EQ_ROW_1 EQ_POSITIONS("", EQ_SAVE(EQ_LEFT), "", EQ_SAVE(EQ_RIGHT))
#define EQ_ROW_2                                                                                                       \
    EQ_LOAD(EQ_ZEROS)                                                                                                  \
    EQ_POSITIONS("", EQ_SPLIT(EQ_LEFT) EQ_SAVE(EQ_UPPER_LEFT), "", EQ_SPLIT(EQ_RIGHT) EQ_SAVE(EQ_UPPER_RIGHT))
#define EQ_ROW_0                                                                                                       \
    EQ_LOAD(EQ_ZEROS)                                                                                                  \
    EQ_POSITIONS(EQ_ADD(EQ_UPPER_LEFT), EQ_RESULT, EQ_ADD(EQ_UPPER_RIGHT), EQ_RESULT)
#define EQ_ROW_3                                                                                                       \
    EQ_LOAD(EQ_ZEROS)                                                                                                  \
    EQ_POSITIONS(EQ_ADD(EQ_LEFT), EQ_RESULT, EQ_ADD(EQ_RIGHT), EQ_RESULT)

/* Sums of a place in the tile come after each other: upper left, upper right, lower left, lower right. */
__attribute__((naked)) static const int32_t *multiply(const int32_t *x __attribute__((unused)),
                                                      const int32_t *weights __attribute__((unused)),
                                                      int32_t channels __attribute__((unused)),
                                                      int32_t *sums __attribute__((unused)))
{
    __asm__("push {r4-r11, lr}\n\t"
            "sub sp, sp, #220\n\t"
            "str r3, [sp, #16]\n\t"
            "lsl r4, r2, #6\n\t"
            "add r5, r0, r4\n\t"
            "sub r6, r4, #8\n\t"
            "strd r5, r6, [sp]\n\t"
            /* Steps that are missing to a multiple of eight are skipped; a step has 44 bytes. */
            "lsr r2, r2, #1\n\t"
            "rsb r2, r2, #0\n\t"
            "and r2, r2, #7\n\t"
            "adr.w r4, 1f + 1\n\t"
            "mov r5, #44\n\t"
            "mla r4, r2, r5, r4\n\t"
            "str r4, [sp, #8]\n\t"
            "mov r2, #0\n\t"
            "mov r3, #0\n\t"
            "strd r2, r3, [sp, #" EQ_ZEROS "]\n\t"
            "strd r2, r3, [sp, #" EQ_ZEROS " + 8]\n\t"
            "strd r2, r3, [sp, #" EQ_ZEROS " + 16]\n\t"
            "strd r2, r3, [sp, #" EQ_ZEROS " + 24]\n\t"
            "ldmia r1!, {r6-r9}\n\t"
            "mov r10, r6\n\t"
            "mov r11, r7\n\t"
            "mov r12, r8\n\t"
            "mov lr, r9\n\t" EQ_ROW_1 EQ_ROW_2 EQ_ROW_0 EQ_ROW_3 "mov r0, r1\n\t"
            "add sp, sp, #220\n\t"
            "pop {r4-r11, pc}\n"
            /* ADR counts from a multiple of four: the section has to begin at one too, which it does not with -Os. */
            ".p2align 2\n"
            "1:\n\t" EQ_STEP EQ_STEP EQ_STEP EQ_STEP EQ_STEP EQ_STEP EQ_STEP EQ_STEP "ldrd r2, r3, [sp]\n\t"
            "cmp r0, r2\n\t"
            "blo.w 1b\n\t"
            "sub r0, r0, r3\n\t"
            "ldr pc, [sp, #12]");
}

#else

/* a, b, c and d, positions in the order 1, 2, 0, 3, times A; modulo 2^32. */
static void times_a(const int32_t *a, int32_t step, int32_t *first, int32_t *second)
{
    const int64_t one = a[0], two = a[step], zero = a[2 * step], three = a[3 * step];
    *first = eq_wrap(zero + one + two);
    *second = eq_wrap(one - two + three);
}

/* Sums of a place in the tile come after each other: upper left, upper right, lower left, lower right. */
static const int32_t *multiply(const int32_t *x, const int32_t *weights, int32_t channels, int32_t *sums)
{
    const int32_t *const bias = weights;
    int32_t products[16][8] = {{0}};
    weights += 4;
    for (int32_t position = 0; position < 16; position++) {
        int32_t *const to = products[position];
        for (int32_t pair = 0; pair < channels / 2; pair++, weights += 4) {
            for (int32_t i = 0; i < 8; i++) {
                to[i] = eq_smlad(weights[i % 4], x[BLOCK_WORDS * pair + 2 * position + i / 4], to[i]);
            }
        }
    }
    for (int32_t i = 0; i < 8; i++) {
        int32_t sides[2][4];
        for (int32_t y = 0; y < 4; y++) {
            times_a(&products[4 * y][i], 8, &sides[0][y], &sides[1][y]);
        }
        for (int32_t side = 0; side < 2; side++) {
            int32_t *const upper = sums + 8 * side + i, *const lower = upper + 16;
            times_a(sides[side], 1, upper, lower);
            *upper = eq_wrap((int64_t)*upper + bias[i % 4]);
            *lower = eq_wrap((int64_t)*lower + bias[i % 4]);
        }
    }
    return weights;
}

#endif

/* Finishes what multiply found: for each of the four places in a tile, two tiles of four channels. `out` is the first
 * tile's first output, and rows of outputs are `row` bytes apart. */
typedef void eq_finish(const eq_winograd_dsp_params *p, int32_t channel, const int32_t *sums, int8_t *out, int32_t row);

/* From an output to its right neighbour, and from the last one of a row to the first one of the next. */
typedef struct {
    int32_t zero_point, pixel, row;
} eq_direct;

#if EQ_ASSEMBLY

/* Registers: r0 sums, r1 rows to come, r2 out, r3 zero-point, r4-r7 multipliers, r12 pixel, lr row. */
#define EQ_PIXEL(next)                                                                                                 \
    "ldmia r0!, {r8-r11}\n\t"                                                                                          \
    "asr r8, r8, #2\n\t"                                                                                               \
    "asr r9, r9, #2\n\t"                                                                                               \
    "asr r10, r10, #2\n\t"                                                                                             \
    "asr r11, r11, #2\n\t"                                                                                             \
    "smmlar r8, r8, r4, r3\n\t"                                                                                        \
    "smmlar r9, r9, r5, r3\n\t"                                                                                        \
    "smmlar r10, r10, r6, r3\n\t"                                                                                      \
    "smmlar r11, r11, r7, r3\n\t"                                                                                      \
    "ssat r8, #8, r8\n\t"                                                                                              \
    "ssat r9, #8, r9\n\t"                                                                                              \
    "ssat r10, #8, r10\n\t"                                                                                            \
    "ssat r11, #8, r11\n\t"                                                                                            \
    "strb r8, [r2]\n\t"                                                                                                \
    "strb r9, [r2, #1]\n\t"                                                                                            \
    "strb r10, [r2, #2]\n\t"                                                                                           \
    "strb r11, [r2, #3]\n\t" next "\n\t"

__attribute__((naked)) static void finish_fours(const int32_t *sums __attribute__((unused)),
                                                const int32_t *multipliers __attribute__((unused)),
                                                int8_t *out __attribute__((unused)),
                                                const eq_direct *direct __attribute__((unused)))
{
    __asm__("push {r4-r11, lr}\n\t"
            "ldmia r1, {r4-r7}\n\t"
            "ldmia r3, {r3, r12, lr}\n\t"
            "movs r1, #2\n"
            "1:\n\t" EQ_PIXEL("add r2, r2, r12, lsl #1") EQ_PIXEL("sub r2, r2, r12") EQ_PIXEL("add r2, r2, r12, lsl #1")
                EQ_PIXEL("add r2, r2, lr") "subs r1, r1, #1\n\t"
                                           "bne.w 1b\n\t"
                                           "pop {r4-r11, pc}");
}

#else

static void finish_fours(const int32_t *sums, const int32_t *multipliers, int8_t *out, const eq_direct *direct)
{
    const int32_t steps[4] = {2 * direct->pixel, -direct->pixel, 2 * direct->pixel, direct->row};
    for (int32_t i = 0; i < 8; out += steps[i % 4], i++, sums += 4) {
        for (int32_t c = 0; c < 4; c++) {
            out[c] = (int8_t)eq_ssat8(eq_smmlar(sums[c] >> 2, multipliers[c], direct->zero_point));
        }
    }
}

#endif

EQ_INLINE void finish_direct(const eq_winograd_dsp_params *p, int32_t channel, const int32_t *sums, int8_t *out,
                             int32_t row)
{
    const eq_direct direct = {p->zero_point, p->out_c, row - 3 * p->out_c};
    finish_fours(sums, p->mantissa + channel, out + channel, &direct);
}

EQ_INLINE void finish_rounded(const eq_winograd_dsp_params *p, int32_t channel, const int32_t *sums, int8_t *out,
                              int32_t row, eq_rounding rounding)
{
    for (int32_t i = 0; i < 8; i++, sums += 4) {
        int8_t *const at = out + (i >> 2) * row + (2 * (i & 1) + (i >> 1 & 1)) * p->out_c;
        for (int32_t c = channel; c < channel + 4; c++) {
            at[c] = eq_dsp_requantize(sums[c - channel] >> 2, p->mantissa[c], p->shift[c], p->zero_point, p->qmin,
                                      p->qmax, rounding);
        }
    }
}

#define DEFINE_FINISH(suffix, rounding)                                                                                \
    EQ_INLINE void finish_##suffix(const eq_winograd_dsp_params *p, int32_t channel, const int32_t *sums, int8_t *out, \
                                   int32_t row)                                                                        \
    {                                                                                                                  \
        finish_rounded(p, channel, sums, out, row, rounding);                                                          \
    }
EQ_FOR_EACH_ROUNDING(DEFINE_FINISH)

static int32_t least(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

/* Words of four bytes. */
static void copy(int8_t *to, const int8_t *from, int32_t n)
{
    for (; n > 0; n -= 4, to += 4, from += 4) {
        eq_store4(to, eq_load4(from));
    }
}

static void fill(int8_t *to, int32_t word, int32_t n)
{
    for (; n > 0; n -= 4, to += 4) {
        eq_store4(to, word);
    }
}

/* Four rows of six pixels, as if the image had its padding. */
static void compose(const eq_winograd_dsp_params *p, const int8_t *image, int32_t top, int32_t left, int8_t *to)
{
    const int32_t size = 6 * p->in_c, padding = eq_splat8(p->pad_value);
    const int32_t before = left < 0 ? least(-left * p->in_c, size) : 0;
    const int32_t end = least((p->in_w - left) * p->in_c, size);
    for (int32_t y = top; y < top + 4; y++, to += size) {
        if (y < 0 || y >= p->in_h || before >= end) {
            fill(to, padding, size);
            continue;
        }
        fill(to, padding, before);
        copy(to + before, image + (y * p->in_w + left) * p->in_c + before, end - before);
        fill(to + end, padding, size - end);
    }
}

/* All output channels of two tiles. */
EQ_INLINE void block(const eq_winograd_dsp_params *p, const int32_t *x, int8_t *out, int32_t row, eq_finish *finish)
{
    const int32_t *weights = p->weights;
    for (int32_t done = 0; done < p->out_c; done += 4) {
        int32_t sums[BLOCK_WORDS];
        weights = multiply(x, weights, p->in_c, sums);
        finish(p, least(done, p->out_c - 4), sums, out, row);
    }
}

EQ_INLINE void winograd(const eq_winograd_dsp_params *p, const int8_t *input, int8_t *output, void *scratch,
                        eq_finish *finish)
{
    const int32_t in_row = p->in_w * p->in_c, out_row = p->out_w * p->out_c, spare_row = 4 * p->out_c;
    int32_t *const x = scratch;
    int8_t *const spare = (int8_t *)scratch + 64 * p->in_c;
    for (int32_t n = 0; n < p->batch; n++, input += p->in_h * in_row, output += p->out_h * out_row) {
        for (int32_t oy = 0; oy < p->out_h; oy += 2) {
            const int32_t top = oy - p->pad_top, rows = least(p->out_h - oy, 2);
            for (int32_t ox = 0; ox < p->out_w; ox += 4) {
                const int32_t left = ox - p->pad_left, columns = least(p->out_w - ox, 4);
                int8_t *const to = output + oy * out_row + ox * p->out_c;
                if (top >= 0 && top + 4 <= p->in_h && left >= 0 && left + 6 <= p->in_w) {
                    transform(input + top * in_row + left * p->in_c, p->in_c, in_row, x);
                } else {
                    compose(p, input, top, left, spare);
                    transform(spare, p->in_c, 6 * p->in_c, x);
                }
                const int whole = rows == 2 && columns == 4;
                block(p, x, whole ? to : spare, whole ? out_row : spare_row, finish);
                for (int32_t y = 0; y < rows && !whole; y++) {
                    memcpy(to + y * out_row, spare + y * spare_row, (size_t)(columns * p->out_c));
                }
            }
        }
    }
}

#define DEFINE(suffix)                                                                                                 \
    void eq_winograd_dsp_##suffix(const eq_winograd_dsp_params *p, const int8_t *input, int8_t *output, void *scratch) \
    {                                                                                                                  \
        winograd(p, input, output, scratch, finish_##suffix);                                                          \
    }
DEFINE(direct)
DEFINE(fast)
DEFINE(single)
DEFINE(double)
