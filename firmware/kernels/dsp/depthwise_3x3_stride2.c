#include "depthwise_3x3.h"

#if EQ_ASSEMBLY

#if EQ_DSP_OPERANDS
#define A0 "%[a0]"
#define A1 "%[a1]"
#define X0 "%[x0]"
#define X1 "%[x1]"
#define P "%[p]"
#define Q "%[q]"
#define OUT "%[out]"
#define LEFT0 "%[left0]"
#define LEFT1 "%[left1]"
#define LEFT2 "%[left2]"
#define RIGHT0 "%[right0]"
#define RIGHT1 "%[right1]"
#define RIGHT2 "%[right2]"
#define BIAS "%[bias]"
#define SCALE "%[scale]"
#define NEXT "%[next]"
#define LAST "%[last]"
#define PITCH "%[pitch]"
#define REST "%[rest]"
#else
#define A0 "r2"
#define A1 "r3"
#define X0 "r0"
#define X1 "r1"
#define P "r4"
#define Q "r5"
#define OUT "r6"
#define LEFT0 "r7"
#define LEFT1 "r8"
#define LEFT2 "r9"
#define RIGHT0 "r10"
#define RIGHT1 "r11"
#define RIGHT2 "r12"
#define BIAS "[sp, #36]"
#define LAST "[sp, #40]"
#define SCALE "[sp, #44]"
#define NEXT "[sp, #52]"
#define REST "[sp, #60]"
#define PITCH "[sp, #68]"
#endif

/* Two outputs beside each other, A0 and A1, or the first of them only. X0 and X1 are words of two rows. */
#define EQ_TWO_COLUMNS                                                                                                 \
    "ldr " A1 ", " BIAS "\n\t"                                                                                         \
    "ldrd " X0 ", " X1 ", [" P "], #8\n\t"                                                                             \
    "smlad " A0 ", " X0 ", " LEFT0 ", " A1 "\n\t"                                                                      \
    "smlad " A0 ", " X1 ", " LEFT1 ", " A0 "\n\t"                                                                      \
    "ldrd " X0 ", " X1 ", [" P "], #8\n\t"                                                                             \
    "smlabt " A0 ", " X0 ", " RIGHT0 ", " A0 "\n\t"                                                                    \
    "smlabt " A0 ", " X1 ", " RIGHT1 ", " A0 "\n\t"                                                                    \
    "smlad " A1 ", " X0 ", " LEFT0 ", " A1 "\n\t"                                                                      \
    "smlad " A1 ", " X1 ", " LEFT1 ", " A1 "\n\t"                                                                      \
    "ldrd " X0 ", " X1 ", [" P "]\n\t"                                                                                 \
    "smlabt " A1 ", " X0 ", " RIGHT0 ", " A1 "\n\t"                                                                    \
    "smlabt " A1 ", " X1 ", " RIGHT1 ", " A1 "\n\t"                                                                    \
    "ldr " X0 ", [" Q "], #8\n\t"                                                                                      \
    "ldr " X1 ", [" Q "], #8\n\t"                                                                                      \
    "smlad " A0 ", " X0 ", " LEFT2 ", " A0 "\n\t"                                                                      \
    "ldr " X0 ", [" Q "]\n\t"                                                                                          \
    "smlabt " A0 ", " X1 ", " RIGHT2 ", " A0 "\n\t"                                                                    \
    "smlad " A1 ", " X1 ", " LEFT2 ", " A1 "\n\t"                                                                      \
    "smlabt " A1 ", " X0 ", " RIGHT2 ", " A1 "\n\t"                                                                    \
    "ldrd " X0 ", " X1 ", " SCALE "\n\t"                                                                               \
    "smmlar " A0 ", " A0 ", " X0 ", " X1 "\n\t"                                                                        \
    "smmlar " A1 ", " A1 ", " X0 ", " X1 "\n\t"                                                                        \
    "ssat " A0 ", #8, " A0 "\n\t"                                                                                      \
    "ssat " A1 ", #8, " A1 "\n\t"                                                                                      \
    "ldrd " X0 ", " X1 ", " NEXT "\n\t"                                                                                \
    "strb " A1 ", [" OUT ", " X0 "]\n\t"                                                                               \
    "strb " A0 ", [" OUT "]\n\t"                                                                                       \
    "add " OUT ", " OUT ", " X0 ", lsl #1\n\t"                                                                         \
    "cmp " P ", " X1 "\n\t"
#define EQ_LAST_COLUMN                                                                                                 \
    "ldr " A0 ", " BIAS "\n\t"                                                                                         \
    "ldrd " X0 ", " X1 ", [" P "], #8\n\t"                                                                             \
    "smlad " A0 ", " X0 ", " LEFT0 ", " A0 "\n\t"                                                                      \
    "smlad " A0 ", " X1 ", " LEFT1 ", " A0 "\n\t"                                                                      \
    "ldrd " X0 ", " X1 ", [" P "]\n\t"                                                                                 \
    "smlabt " A0 ", " X0 ", " RIGHT0 ", " A0 "\n\t"                                                                    \
    "smlabt " A0 ", " X1 ", " RIGHT1 ", " A0 "\n\t"                                                                    \
    "ldr " X0 ", [" Q "], #8\n\t"                                                                                      \
    "ldr " X1 ", [" Q "]\n\t"                                                                                          \
    "smlad " A0 ", " X0 ", " LEFT2 ", " A0 "\n\t"                                                                      \
    "smlabt " A0 ", " X1 ", " RIGHT2 ", " A0 "\n\t"                                                                    \
    "ldrd " X0 ", " X1 ", " SCALE "\n\t"                                                                               \
    "smmlar " A0 ", " A0 ", " X0 ", " X1 "\n\t"                                                                        \
    "ssat " A0 ", #8, " A0 "\n\t"                                                                                      \
    "ldr " X0 ", " NEXT "\n\t"                                                                                         \
    "strb " A0 ", [" OUT "]\n\t"                                                                                       \
    "add " OUT ", " OUT ", " X0 "\n\t"

/* Rows of two columns and the last one by itself; registers P, Q and OUT move on, and so does the place in NEXT. */
#define EQ_ROWS                                                                                                        \
    "1:\n\t" EQ_TWO_COLUMNS /* two outputs */                                                                          \
    "bne 1b\n\t"                                                                                                       \
    "ldr " X1 ", " LAST "\n\t"                                                                                         \
    "cmp " X1 ", #0\n\t"                                                                                               \
    "beq 2f\n\t" EQ_LAST_COLUMN /* one */                                                                              \
    "2:\n\t"                                                                                                           \
    "ldrd " X0 ", " X1 ", " NEXT "\n\t"                                                                                \
    "ldr " A0 ", " PITCH "\n\t"                                                                                        \
    "add " X1 ", " X1 ", " A0 "\n\t"                                                                                   \
    "strd " X0 ", " X1 ", " NEXT "\n\t"                                                                                \
    "ldrd " X0 ", " X1 ", " REST "\n\t"                                                                                \
    "add " P ", " P ", " X0 "\n\t"                                                                                     \
    "add " Q ", " Q ", " X0 "\n\t"                                                                                     \
    "cmp " P ", " X1 "\n\t"                                                                                            \
    "bne 1b\n\t"

#if !EQ_DSP_OPERANDS

/* What the loop needs: what it reads from the stack behind the first four words, which are in registers when it is
 * called; then what it has in registers from r4 on. */
typedef struct {
    int32_t step;
    const int32_t *place;
    int32_t rest;
    const int32_t *stop;
    int32_t pitch;
    const int32_t *p, *q;
    int8_t *out;
    int32_t left[3], right[3];
} rows_task3;

__attribute__((naked)) static void rows_of(int32_t bias __attribute__((unused)), int32_t last __attribute__((unused)),
                                           int32_t mantissa __attribute__((unused)),
                                           int32_t zero_point __attribute__((unused)),
                                           rows_task3 t __attribute__((unused)))
{
    __asm__("push {r0-r3}\n\t"
            "push {r4-r11, lr}\n\t"
            "add r12, sp, #72\n\t"
            "ldmia r12, {r4-r12}\n" EQ_ROWS /* to the last one */
            "pop {r4-r11, lr}\n\t"
            "add sp, sp, #16\n\t"
            "bx lr");
}

#endif

#if EQ_DSP_OPERANDS

typedef struct {
    int32_t first, second;
} two;

/* Bytes, and a place in the plane. */
typedef struct {
    int32_t bytes;
    const int32_t *place;
} mark;

#endif

/* Rows of outputs, at least two columns. All registers but one are the assembly's: inlined, it has too few. */
static EQ_NOINLINE void fast(const eq_depthwise_conv2d_3x3_dsp_params *p, const eq_window3 *w, const int32_t *plane,
                             int8_t *out, int32_t count)
{
    const int32_t pitch = 2 * p->words, used = 2 * p->out_w, last = p->out_w & 1, bias = w->bias;
    const int32_t pitch_bytes = 4 * pitch;
#if EQ_DSP_OPERANDS
    const two scale = {w->mantissa, p->zero_point};
    mark next = {p->channels, plane + used - 2 * last};
    const mark rest = {4 * (pitch - used), plane + pitch * count};
    const int32_t *q = plane + pitch;
    int32_t a0, a1, x0, x1;
    __asm__ volatile(
        EQ_ROWS
        : [a0] "=&r"(a0), [a1] "=&r"(a1), [x0] "=&r"(x0), [x1] "=&r"(x1), [p] "+r"(plane), [q] "+r"(q), [out] "+r"(out),
          [next] "+m"(next)
        : [left0] "r"(w->left[0]), [left1] "r"(w->left[1]), [left2] "r"(w->left[2]), [right0] "r"(w->right[0]),
          [right1] "r"(w->right[1]), [right2] "r"(w->right[2]), [bias] "m"(bias), [scale] "m"(scale), [last] "m"(last),
          [pitch] "m"(pitch_bytes), [rest] "m"(rest)
        : "cc", "memory");
#else
    const rows_task3 t = {p->channels,
                          plane + used - 2 * last,
                          4 * (pitch - used),
                          plane + pitch * count,
                          pitch_bytes,
                          plane,
                          plane + pitch,
                          out,
                          {w->left[0], w->left[1], w->left[2]},
                          {w->right[0], w->right[1], w->right[2]}};
    rows_of(bias, last, w->mantissa, p->zero_point, t);
#endif
}

#else

static void fast(const eq_depthwise_conv2d_3x3_dsp_params *p, const eq_window3 *w, const int32_t *plane, int8_t *output,
                 int32_t rows)
{
    eq_rows3(p, w, plane, output, rows, 2, EQ_FAST);
}

#endif

static void single(const eq_depthwise_conv2d_3x3_dsp_params *p, const eq_window3 *w, const int32_t *plane,
                   int8_t *output, int32_t rows)
{
    eq_rows3(p, w, plane, output, rows, 2, EQ_SINGLE);
}

static void twice(const eq_depthwise_conv2d_3x3_dsp_params *p, const eq_window3 *w, const int32_t *plane,
                  int8_t *output, int32_t rows)
{
    eq_rows3(p, w, plane, output, rows, 2, EQ_DOUBLE);
}

#define DEFINE(suffix, rounding, packed, bits, compute)                                                                \
    void eq_depthwise_conv2d_3x3_stride2_dsp_##suffix(const eq_depthwise_conv2d_3x3_dsp_params *p,                     \
                                                      const int8_t *input, int8_t *output, void *scratch)              \
    {                                                                                                                  \
        eq_depthwise_3x3(p, input, output, scratch, 2, rounding, packed, bits, compute);                               \
    }
EQ_FOR_EACH_3X3(DEFINE)
