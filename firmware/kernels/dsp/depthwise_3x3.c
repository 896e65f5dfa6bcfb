#include "depthwise_3x3.h"

#if EQ_DSP_LONG_ASM

/* Two columns of two outputs below each other: a0 a1 above a2 a3; or the first column only, a0 above a2. x0 and x1 are
 * words of two rows, s what has no register of its own. */
#define EQ_ROW_01                                                                                                      \
    "ldrd %[a3], %[s], %[start]\n\t"                                                                                   \
    "ldrd %[x0], %[x1], [%[p]], #8\n\t"                                                                                \
    "smlad %[a0], %[x0], %[s], %[a3]\n\t"                                                                              \
    "smlatb %[a1], %[x0], %[s], %[a3]\n\t"                                                                             \
    "smlad %[a2], %[x1], %[s], %[a3]\n\t"                                                                              \
    "smlatb %[a3], %[x1], %[s], %[a3]\n\t"                                                                             \
    "smlad %[a0], %[x1], %[left1], %[a0]\n\t"                                                                          \
    "smlatb %[a1], %[x1], %[left1], %[a1]\n\t"                                                                         \
    "ldrd %[x0], %[x1], [%[p]]\n\t"                                                                                    \
    "smlabt %[a0], %[x0], %[right0], %[a0]\n\t"                                                                        \
    "smlad %[a1], %[x0], %[right0], %[a1]\n\t"                                                                         \
    "smlabt %[a0], %[x1], %[right1], %[a0]\n\t"                                                                        \
    "smlad %[a1], %[x1], %[right1], %[a1]\n\t"                                                                         \
    "smlabt %[a2], %[x1], %[right0], %[a2]\n\t"                                                                        \
    "smlad %[a3], %[x1], %[right0], %[a3]\n\t"
#define EQ_ROW_23                                                                                                      \
    "ldrd %[x0], %[x1], [%[q]], #8\n\t"                                                                                \
    "smlad %[a0], %[x0], %[left2], %[a0]\n\t"                                                                          \
    "smlatb %[a1], %[x0], %[left2], %[a1]\n\t"                                                                         \
    "smlad %[a2], %[x0], %[left1], %[a2]\n\t"                                                                          \
    "smlatb %[a3], %[x0], %[left1], %[a3]\n\t"                                                                         \
    "smlad %[a2], %[x1], %[left2], %[a2]\n\t"                                                                          \
    "smlatb %[a3], %[x1], %[left2], %[a3]\n\t"                                                                         \
    "ldr %[s], %[right2]\n\t"                                                                                          \
    "ldrd %[x0], %[x1], [%[q]]\n\t"                                                                                    \
    "smlabt %[a0], %[x0], %[s], %[a0]\n\t"                                                                             \
    "smlad %[a1], %[x0], %[s], %[a1]\n\t"                                                                              \
    "smlabt %[a2], %[x0], %[right1], %[a2]\n\t"                                                                        \
    "smlad %[a3], %[x0], %[right1], %[a3]\n\t"                                                                         \
    "smlabt %[a2], %[x1], %[s], %[a2]\n\t"                                                                             \
    "smlad %[a3], %[x1], %[s], %[a3]\n\t"
#define EQ_FINISH                                                                                                      \
    "ldrd %[x0], %[x1], %[scale]\n\t"                                                                                  \
    "smmlar %[a0], %[a0], %[x0], %[x1]\n\t"                                                                            \
    "smmlar %[a1], %[a1], %[x0], %[x1]\n\t"                                                                            \
    "smmlar %[a2], %[a2], %[x0], %[x1]\n\t"                                                                            \
    "smmlar %[a3], %[a3], %[x0], %[x1]\n\t"                                                                            \
    "ssat %[a0], #8, %[a0]\n\t"                                                                                        \
    "ssat %[a1], #8, %[a1]\n\t"                                                                                        \
    "ssat %[a2], #8, %[a2]\n\t"                                                                                        \
    "ssat %[a3], #8, %[a3]\n\t"                                                                                        \
    "ldrd %[x0], %[x1], %[steps]\n\t"                                                                                  \
    "add %[s], %[out], %[x1]\n\t"                                                                                      \
    "strb %[a3], [%[s], %[x0]]\n\t"                                                                                    \
    "strb %[a2], [%[s]]\n\t"                                                                                           \
    "strb %[a1], [%[out], %[x0]]\n\t"                                                                                  \
    "strb %[a0], [%[out]]\n\t"                                                                                         \
    "add %[out], %[out], %[x0], lsl #1\n\t"
#define EQ_LAST_COLUMN                                                                                                 \
    "ldrd %[a2], %[s], %[start]\n\t"                                                                                   \
    "ldrd %[x0], %[x1], [%[p]], #8\n\t"                                                                                \
    "smlad %[a0], %[x0], %[s], %[a2]\n\t"                                                                              \
    "smlad %[a2], %[x1], %[s], %[a2]\n\t"                                                                              \
    "smlad %[a0], %[x1], %[left1], %[a0]\n\t"                                                                          \
    "ldrd %[x0], %[x1], [%[p]]\n\t"                                                                                    \
    "smlabt %[a0], %[x0], %[right0], %[a0]\n\t"                                                                        \
    "smlabt %[a0], %[x1], %[right1], %[a0]\n\t"                                                                        \
    "smlabt %[a2], %[x1], %[right0], %[a2]\n\t"                                                                        \
    "ldrd %[x0], %[x1], [%[q]], #8\n\t"                                                                                \
    "smlad %[a0], %[x0], %[left2], %[a0]\n\t"                                                                          \
    "smlad %[a2], %[x0], %[left1], %[a2]\n\t"                                                                          \
    "smlad %[a2], %[x1], %[left2], %[a2]\n\t"                                                                          \
    "ldr %[s], %[right2]\n\t"                                                                                          \
    "ldrd %[x0], %[x1], [%[q]]\n\t"                                                                                    \
    "smlabt %[a0], %[x0], %[s], %[a0]\n\t"                                                                             \
    "smlabt %[a2], %[x0], %[right1], %[a2]\n\t"                                                                        \
    "smlabt %[a2], %[x1], %[s], %[a2]\n\t"                                                                             \
    "ldrd %[x0], %[x1], %[scale]\n\t"                                                                                  \
    "smmlar %[a0], %[a0], %[x0], %[x1]\n\t"                                                                            \
    "smmlar %[a2], %[a2], %[x0], %[x1]\n\t"                                                                            \
    "ssat %[a0], #8, %[a0]\n\t"                                                                                        \
    "ssat %[a2], #8, %[a2]\n\t"                                                                                        \
    "ldr %[x1], %[below]\n\t"                                                                                          \
    "strb %[a2], [%[out], %[x1]]\n\t"                                                                                  \
    "strb %[a0], [%[out]]\n\t"

typedef struct {
    int32_t first, second;
} two;

/* Pairs of rows of outputs, at least two columns; `below` is 0 where the lower row is to be dropped. */
static EQ_NOINLINE const int32_t *row_pairs(const eq_depthwise_conv2d_3x3_dsp_params *p, const eq_window3 *w,
                                            const int32_t *plane, int8_t *out, int32_t count, int32_t below)
{
    const int32_t pitch = 8 * p->words, row = p->out_w * p->channels, last = p->out_w & 1;
    const two start = {w->bias, w->left[0]}, scale = {w->mantissa, p->zero_point}, steps = {p->channels, below};
    /* What is left of a row of the plane and of two rows of the output when all columns are done. */
    const two rest = {2 * row - (row - last * p->channels), pitch};
    const int32_t right2 = w->right[2];
    const int32_t *q = plane + 2 * p->words, *const stop = plane + 2 * p->words * count;
    const int32_t *end = plane + p->out_w - last;
    int32_t a0, a1, a2, a3, x0, x1, s;
    __asm__ volatile(
        "1:\n\t" EQ_ROW_01 EQ_ROW_23 EQ_FINISH "ldr %[x0], %[end]\n\t"
        "cmp %[p], %[x0]\n\t"
        "bne 1b\n\t"
        "ldr %[x1], %[last]\n\t"
        "cbz %[x1], 2f\n\t" EQ_LAST_COLUMN "2:\n\t"
        "ldr %[x0], %[end]\n\t"
        "ldrd %[s], %[x1], %[rest]\n\t"
        "add %[out], %[out], %[s]\n\t"
        "add %[x0], %[x0], %[x1]\n\t"
        "str %[x0], %[end]\n\t"
        "adds %[p], %[p], #8\n\t"
        "adds %[q], %[q], #8\n\t"
        "ldr %[s], %[stop]\n\t"
        "cmp %[p], %[s]\n\t"
        "bne 1b"
        : [a0] "=&r"(a0), [a1] "=&r"(a1), [a2] "=&r"(a2), [a3] "=&r"(a3), [x0] "=&r"(x0), [x1] "=&l"(x1), [s] "=&r"(s),
          [p] "+r"(plane), [q] "+r"(q), [out] "+r"(out), [end] "+m"(end)
        : [left1] "r"(w->left[1]), [left2] "r"(w->left[2]), [right0] "r"(w->right[0]), [right1] "r"(w->right[1]),
          [right2] "m"(right2), [start] "m"(start), [scale] "m"(scale), [steps] "m"(steps), [below] "m"(steps.second),
          [rest] "m"(rest), [last] "m"(last), [stop] "m"(stop)
        : "cc", "memory");
    return plane;
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
