#include "depthwise_3x3.h"

#if EQ_ASSEMBLY

#if EQ_DSP_OPERANDS
#define A0 "%[a0]"
#define A1 "%[a1]"
#define A2 "%[a2]"
#define A3 "%[a3]"
#define X0 "%[x0]"
#define X1 "%[x1]"
#define S "%[s]"
#define P "%[p]"
#define Q "%[q]"
#define OUT "%[out]"
#define LEFT1 "%[left1]"
#define LEFT2 "%[left2]"
#define RIGHT0 "%[right0]"
#define RIGHT1 "%[right1]"
#define RIGHT2 "%[right2]"
#define START "%[start]"
#define SCALE "%[scale]"
#define STEPS "%[steps]"
#define BELOW "%[below]"
#define END "%[end]"
#define LAST "%[last]"
#define REST "%[rest]"
#define STOP "%[stop]"
#else
#define A0 "r4"
#define A1 "r5"
#define A2 "r6"
#define A3 "r2"
#define S "r3"
#define X0 "r0"
#define X1 "r1"
#define P "r7"
#define Q "r8"
#define OUT "r9"
#define LEFT1 "r10"
#define LEFT2 "r11"
#define RIGHT0 "r12"
#define RIGHT1 "lr"
#define START "[sp, #36]"
#define SCALE "[sp, #44]"
#define STEPS "[sp, #52]"
#define BELOW "[sp, #56]"
#define REST "[sp, #60]"
#define RIGHT2 "[sp, #68]"
#define LAST "[sp, #72]"
#define STOP "[sp, #76]"
#define END "[sp, #80]"
#endif

/* Two columns of two outputs below each other: A0 A1 above A2 A3; or the first column only, A0 above A3. X0 and X1 are
 * words of two rows, S what has no register of its own. */
#define EQ_ROW_01                                                                                                      \
    "ldrd " A3 ", " S ", " START "\n\t"                                                                                \
    "ldrd " X0 ", " X1 ", [" P "], #8\n\t"                                                                             \
    "smlad " A0 ", " X0 ", " S ", " A3 "\n\t"                                                                          \
    "smlatb " A1 ", " X0 ", " S ", " A3 "\n\t"                                                                         \
    "smlad " A2 ", " X1 ", " S ", " A3 "\n\t"                                                                          \
    "smlatb " A3 ", " X1 ", " S ", " A3 "\n\t"                                                                         \
    "smlad " A0 ", " X1 ", " LEFT1 ", " A0 "\n\t"                                                                      \
    "smlatb " A1 ", " X1 ", " LEFT1 ", " A1 "\n\t"                                                                     \
    "ldrd " X0 ", " X1 ", [" P "]\n\t"                                                                                 \
    "smlabt " A0 ", " X0 ", " RIGHT0 ", " A0 "\n\t"                                                                    \
    "smlad " A1 ", " X0 ", " RIGHT0 ", " A1 "\n\t"                                                                     \
    "smlabt " A0 ", " X1 ", " RIGHT1 ", " A0 "\n\t"                                                                    \
    "smlad " A1 ", " X1 ", " RIGHT1 ", " A1 "\n\t"                                                                     \
    "smlabt " A2 ", " X1 ", " RIGHT0 ", " A2 "\n\t"                                                                    \
    "smlad " A3 ", " X1 ", " RIGHT0 ", " A3 "\n\t"
#define EQ_ROW_23                                                                                                      \
    "ldrd " X0 ", " X1 ", [" Q "], #8\n\t"                                                                             \
    "smlad " A0 ", " X0 ", " LEFT2 ", " A0 "\n\t"                                                                      \
    "smlatb " A1 ", " X0 ", " LEFT2 ", " A1 "\n\t"                                                                     \
    "smlad " A2 ", " X0 ", " LEFT1 ", " A2 "\n\t"                                                                      \
    "smlatb " A3 ", " X0 ", " LEFT1 ", " A3 "\n\t"                                                                     \
    "smlad " A2 ", " X1 ", " LEFT2 ", " A2 "\n\t"                                                                      \
    "smlatb " A3 ", " X1 ", " LEFT2 ", " A3 "\n\t"                                                                     \
    "ldr " S ", " RIGHT2 "\n\t"                                                                                        \
    "ldrd " X0 ", " X1 ", [" Q "]\n\t"                                                                                 \
    "smlabt " A0 ", " X0 ", " S ", " A0 "\n\t"                                                                         \
    "smlad " A1 ", " X0 ", " S ", " A1 "\n\t"                                                                          \
    "smlabt " A2 ", " X0 ", " RIGHT1 ", " A2 "\n\t"                                                                    \
    "smlad " A3 ", " X0 ", " RIGHT1 ", " A3 "\n\t"                                                                     \
    "smlabt " A2 ", " X1 ", " S ", " A2 "\n\t"                                                                         \
    "smlad " A3 ", " X1 ", " S ", " A3 "\n\t"
#define EQ_FINISH                                                                                                      \
    "ldrd " X0 ", " X1 ", " SCALE "\n\t"                                                                               \
    "smmlar " A0 ", " A0 ", " X0 ", " X1 "\n\t"                                                                        \
    "smmlar " A1 ", " A1 ", " X0 ", " X1 "\n\t"                                                                        \
    "smmlar " A2 ", " A2 ", " X0 ", " X1 "\n\t"                                                                        \
    "smmlar " A3 ", " A3 ", " X0 ", " X1 "\n\t"                                                                        \
    "ssat " A0 ", #8, " A0 "\n\t"                                                                                      \
    "ssat " A1 ", #8, " A1 "\n\t"                                                                                      \
    "ssat " A2 ", #8, " A2 "\n\t"                                                                                      \
    "ssat " A3 ", #8, " A3 "\n\t"                                                                                      \
    "ldrd " X0 ", " X1 ", " STEPS "\n\t"                                                                               \
    "add " S ", " OUT ", " X1 "\n\t"                                                                                   \
    "strb " A3 ", [" S ", " X0 "]\n\t"                                                                                 \
    "strb " A2 ", [" S "]\n\t"                                                                                         \
    "strb " A1 ", [" OUT ", " X0 "]\n\t"                                                                               \
    "strb " A0 ", [" OUT "]\n\t"                                                                                       \
    "add " OUT ", " OUT ", " X0 ", lsl #1\n\t"
#define EQ_LAST_COLUMN                                                                                                 \
    "ldrd " A3 ", " S ", " START "\n\t"                                                                                \
    "ldrd " X0 ", " X1 ", [" P "], #8\n\t"                                                                             \
    "smlad " A0 ", " X0 ", " S ", " A3 "\n\t"                                                                          \
    "smlad " A3 ", " X1 ", " S ", " A3 "\n\t"                                                                          \
    "smlad " A0 ", " X1 ", " LEFT1 ", " A0 "\n\t"                                                                      \
    "ldrd " X0 ", " X1 ", [" P "]\n\t"                                                                                 \
    "smlabt " A0 ", " X0 ", " RIGHT0 ", " A0 "\n\t"                                                                    \
    "smlabt " A0 ", " X1 ", " RIGHT1 ", " A0 "\n\t"                                                                    \
    "smlabt " A3 ", " X1 ", " RIGHT0 ", " A3 "\n\t"                                                                    \
    "ldrd " X0 ", " X1 ", [" Q "], #8\n\t"                                                                             \
    "smlad " A0 ", " X0 ", " LEFT2 ", " A0 "\n\t"                                                                      \
    "smlad " A3 ", " X0 ", " LEFT1 ", " A3 "\n\t"                                                                      \
    "smlad " A3 ", " X1 ", " LEFT2 ", " A3 "\n\t"                                                                      \
    "ldr " S ", " RIGHT2 "\n\t"                                                                                        \
    "ldrd " X0 ", " X1 ", [" Q "]\n\t"                                                                                 \
    "smlabt " A0 ", " X0 ", " S ", " A0 "\n\t"                                                                         \
    "smlabt " A3 ", " X0 ", " RIGHT1 ", " A3 "\n\t"                                                                    \
    "smlabt " A3 ", " X1 ", " S ", " A3 "\n\t"                                                                         \
    "ldrd " X0 ", " X1 ", " SCALE "\n\t"                                                                               \
    "smmlar " A0 ", " A0 ", " X0 ", " X1 "\n\t"                                                                        \
    "smmlar " A3 ", " A3 ", " X0 ", " X1 "\n\t"                                                                        \
    "ssat " A0 ", #8, " A0 "\n\t"                                                                                      \
    "ssat " A3 ", #8, " A3 "\n\t"                                                                                      \
    "ldr " X1 ", " BELOW "\n\t"                                                                                        \
    "strb " A3 ", [" OUT ", " X1 "]\n\t"                                                                               \
    "strb " A0 ", [" OUT "]\n\t"

/* Rows of two columns and the last one by itself; registers P, Q, OUT and END move on. */
#define EQ_ROW_PAIRS                                                                                                   \
    "1:\n\t" EQ_ROW_01 EQ_ROW_23 EQ_FINISH /* four outputs */                                                          \
    "ldr " X0 ", " END "\n\t"                                                                                          \
    "cmp " P ", " X0 "\n\t"                                                                                            \
    "bne 1b\n\t"                                                                                                       \
    "ldr " X1 ", " LAST "\n\t" EQ_BRANCH_IF_ZERO(X1, "2f") EQ_LAST_COLUMN /* of two */                                 \
        "2:\n\t"                                                                                                       \
        "ldr " X0 ", " END "\n\t"                                                                                      \
        "ldrd " A3 ", " S ", " REST "\n\t"                                                                             \
        "add " OUT ", " OUT ", " A3 "\n\t"                                                                             \
        "add " X0 ", " X0 ", " S "\n\t"                                                                                \
        "str " X0 ", " END "\n\t"                                                                                      \
        "adds " P ", " P ", #8\n\t"                                                                                    \
        "adds " Q ", " Q ", #8\n\t"                                                                                    \
        "ldr " S ", " STOP "\n\t"                                                                                      \
        "cmp " P ", " S "\n\t"                                                                                         \
        "bne 1b\n\t"

#if !EQ_DSP_OPERANDS

/* What the loop needs: what it reads from the stack behind the first four words, which are in registers when it is
 * called; then what it has in registers from r7 on. */
typedef struct {
    int32_t step, below;
    int32_t out_rest, pitch;
    int32_t right2, last;
    const int32_t *stop, *end;
    const int32_t *p, *q;
    int8_t *out;
    int32_t left1, left2, right0, right1;
} rows_task3;

__attribute__((naked)) static const int32_t *row_pairs_of(int32_t bias __attribute__((unused)),
                                                          int32_t left0 __attribute__((unused)),
                                                          int32_t mantissa __attribute__((unused)),
                                                          int32_t zero_point __attribute__((unused)),
                                                          rows_task3 t __attribute__((unused)))
{
    __asm__("push {r0-r3}\n\t"
            "push {r4-r11, lr}\n\t"
            "add r12, sp, #84\n\t"
            "ldmia r12, {r7-r12, lr}\n" EQ_ROW_PAIRS /* to the last one */
            "mov r0, r7\n\t"
            "pop {r4-r11, lr}\n\t"
            "add sp, sp, #16\n\t"
            "bx lr");
}

#endif

#if EQ_DSP_OPERANDS

typedef struct {
    int32_t first, second;
} two;

#endif

/* Pairs of rows of outputs, at least two columns; `below` is 0 where the lower row is to be dropped. */
static EQ_NOINLINE const int32_t *row_pairs(const eq_depthwise_conv2d_3x3_dsp_params *p, const eq_window3 *w,
                                            const int32_t *plane, int8_t *out, int32_t count, int32_t below)
{
    const int32_t pitch = 8 * p->words, row = p->out_w * p->channels, last = p->out_w & 1;
#if EQ_DSP_OPERANDS
    const two start = {w->bias, w->left[0]}, scale = {w->mantissa, p->zero_point}, steps = {p->channels, below};
    /* What is left of a row of the plane and of two rows of the output when all columns are done. */
    const two rest = {2 * row - (row - last * p->channels), pitch};
    const int32_t right2 = w->right[2];
    const int32_t *q = plane + 2 * p->words, *const stop = plane + 2 * p->words * count;
    const int32_t *end = plane + p->out_w - last;
    int32_t a0, a1, a2, a3, x0, x1, s;
    __asm__ volatile(
        EQ_ROW_PAIRS
        : [a0] "=&r"(a0), [a1] "=&r"(a1), [a2] "=&r"(a2), [a3] "=&r"(a3), [x0] "=&r"(x0), [x1] "=&l"(x1), [s] "=&r"(s),
          [p] "+r"(plane), [q] "+r"(q), [out] "+r"(out), [end] "+m"(end)
        : [left1] "r"(w->left[1]), [left2] "r"(w->left[2]), [right0] "r"(w->right[0]), [right1] "r"(w->right[1]),
          [right2] "m"(right2), [start] "m"(start), [scale] "m"(scale), [steps] "m"(steps), [below] "m"(steps.second),
          [rest] "m"(rest), [last] "m"(last), [stop] "m"(stop)
        : "cc", "memory");
    return plane;
#else
    const rows_task3 t = {p->channels,
                          below,
                          2 * row - (row - last * p->channels),
                          pitch,
                          w->right[2],
                          last,
                          plane + 2 * p->words * count,
                          plane + p->out_w - last,
                          plane,
                          plane + 2 * p->words,
                          out,
                          w->left[1],
                          w->left[2],
                          w->right[0],
                          w->right[1]};
    return row_pairs_of(w->bias, w->left[0], w->mantissa, p->zero_point, t);
#endif
}

static void fast(const eq_depthwise_conv2d_3x3_dsp_params *p, const eq_window3 *w, const int32_t *plane, int8_t *output,
                 int32_t rows)
{
    const int32_t row = p->out_w * p->channels, pairs = rows >> 1;
    if (pairs > 0) {
        plane = row_pairs(p, w, plane, output, pairs, row);
    }
    if (rows & 1) {
        row_pairs(p, w, plane, output + 2 * pairs * row, 1, 0);
    }
}

#else

static void fast(const eq_depthwise_conv2d_3x3_dsp_params *p, const eq_window3 *w, const int32_t *plane, int8_t *output,
                 int32_t rows)
{
    eq_rows3(p, w, plane, output, rows, 1, EQ_FAST);
}

#endif

static void single(const eq_depthwise_conv2d_3x3_dsp_params *p, const eq_window3 *w, const int32_t *plane,
                   int8_t *output, int32_t rows)
{
    eq_rows3(p, w, plane, output, rows, 1, EQ_SINGLE);
}

static void twice(const eq_depthwise_conv2d_3x3_dsp_params *p, const eq_window3 *w, const int32_t *plane,
                  int8_t *output, int32_t rows)
{
    eq_rows3(p, w, plane, output, rows, 1, EQ_DOUBLE);
}

#define DEFINE(suffix, rounding, packed, bits, compute)                                                                \
    void eq_depthwise_conv2d_3x3_dsp_##suffix(const eq_depthwise_conv2d_3x3_dsp_params *p, const int8_t *input,        \
                                              int8_t *output, void *scratch)                                           \
    {                                                                                                                  \
        eq_depthwise_3x3(p, input, output, scratch, 1, rounding, packed, bits, compute);                               \
    }
EQ_FOR_EACH_3X3(DEFINE)
