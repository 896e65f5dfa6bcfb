#include "depthwise_3x3.h"

#if EQ_DSP_LONG_ASM

/* Two outputs beside each other, a0 and a1, or the first of them only. x0 and x1 are words of two rows. */
#define EQ_TWO_COLUMNS                                                                                                 \
    "ldr %[a1], %[bias]\n\t"                                                                                           \
    "ldrd %[x0], %[x1], [%[p]], #8\n\t"                                                                                \
    "smlad %[a0], %[x0], %[left0], %[a1]\n\t"                                                                          \
    "smlad %[a0], %[x1], %[left1], %[a0]\n\t"                                                                          \
    "ldrd %[x0], %[x1], [%[p]], #8\n\t"                                                                                \
    "smlabt %[a0], %[x0], %[right0], %[a0]\n\t"                                                                        \
    "smlabt %[a0], %[x1], %[right1], %[a0]\n\t"                                                                        \
    "smlad %[a1], %[x0], %[left0], %[a1]\n\t"                                                                          \
    "smlad %[a1], %[x1], %[left1], %[a1]\n\t"                                                                          \
    "ldrd %[x0], %[x1], [%[p]]\n\t"                                                                                    \
    "smlabt %[a1], %[x0], %[right0], %[a1]\n\t"                                                                        \
    "smlabt %[a1], %[x1], %[right1], %[a1]\n\t"                                                                        \
    "ldr %[x0], [%[q]], #8\n\t"                                                                                        \
    "ldr %[x1], [%[q]], #8\n\t"                                                                                        \
    "smlad %[a0], %[x0], %[left2], %[a0]\n\t"                                                                          \
    "ldr %[x0], [%[q]]\n\t"                                                                                            \
    "smlabt %[a0], %[x1], %[right2], %[a0]\n\t"                                                                        \
    "smlad %[a1], %[x1], %[left2], %[a1]\n\t"                                                                          \
    "smlabt %[a1], %[x0], %[right2], %[a1]\n\t"                                                                        \
    "ldrd %[x0], %[x1], %[scale]\n\t"                                                                                  \
    "smmlar %[a0], %[a0], %[x0], %[x1]\n\t"                                                                            \
    "smmlar %[a1], %[a1], %[x0], %[x1]\n\t"                                                                            \
    "ssat %[a0], #8, %[a0]\n\t"                                                                                        \
    "ssat %[a1], #8, %[a1]\n\t"                                                                                        \
    "ldrd %[x0], %[x1], %[next]\n\t"                                                                                   \
    "strb %[a1], [%[out], %[x0]]\n\t"                                                                                  \
    "strb %[a0], [%[out]]\n\t"                                                                                         \
    "add %[out], %[out], %[x0], lsl #1\n\t"                                                                            \
    "cmp %[p], %[x1]\n\t"
#define EQ_LAST_COLUMN                                                                                                 \
    "ldr %[a0], %[bias]\n\t"                                                                                           \
    "ldrd %[x0], %[x1], [%[p]], #8\n\t"                                                                                \
    "smlad %[a0], %[x0], %[left0], %[a0]\n\t"                                                                          \
    "smlad %[a0], %[x1], %[left1], %[a0]\n\t"                                                                          \
    "ldrd %[x0], %[x1], [%[p]]\n\t"                                                                                    \
    "smlabt %[a0], %[x0], %[right0], %[a0]\n\t"                                                                        \
    "smlabt %[a0], %[x1], %[right1], %[a0]\n\t"                                                                        \
    "ldr %[x0], [%[q]], #8\n\t"                                                                                        \
    "ldr %[x1], [%[q]]\n\t"                                                                                            \
    "smlad %[a0], %[x0], %[left2], %[a0]\n\t"                                                                          \
    "smlabt %[a0], %[x1], %[right2], %[a0]\n\t"                                                                        \
    "ldrd %[x0], %[x1], %[scale]\n\t"                                                                                  \
    "smmlar %[a0], %[a0], %[x0], %[x1]\n\t"                                                                            \
    "ssat %[a0], #8, %[a0]\n\t"                                                                                        \
    "ldr %[x0], %[next]\n\t"                                                                                           \
    "strb %[a0], [%[out]]\n\t"                                                                                         \
    "add %[out], %[out], %[x0]\n\t"

typedef struct {
    int32_t first, second;
} two;

/* Bytes, and a place in the plane. */
typedef struct {
    int32_t bytes;
    const int32_t *place;
} mark;

/* Rows of outputs, at least two columns. All registers but one are the assembly's: inlined, it has too few. */
static EQ_NOINLINE void fast(const eq_depthwise_conv2d_3x3_dsp_params *p, const eq_window3 *w, const int32_t *plane,
                             int8_t *out, int32_t count)
{
    const int32_t pitch = 2 * p->words, used = 2 * p->out_w, last = p->out_w & 1, bias = w->bias;
    const int32_t pitch_bytes = 4 * pitch;
    const two scale = {w->mantissa, p->zero_point};
    mark next = {p->channels, plane + used - 2 * last};
    const mark rest = {4 * (pitch - used), plane + pitch * count};
    const int32_t *q = plane + pitch;
    int32_t a0, a1, x0, x1;
    __asm__ volatile(
        "1:\n\t" EQ_TWO_COLUMNS "bne 1b\n\t"
        "ldr %[x1], %[last]\n\t"
        "cmp %[x1], #0\n\t"
        "beq 2f\n\t" EQ_LAST_COLUMN "2:\n\t"
        "ldrd %[x0], %[x1], %[next]\n\t"
        "ldr %[a0], %[pitch]\n\t"
        "add %[x1], %[x1], %[a0]\n\t"
        "strd %[x0], %[x1], %[next]\n\t"
        "ldrd %[x0], %[x1], %[rest]\n\t"
        "add %[p], %[p], %[x0]\n\t"
        "add %[q], %[q], %[x0]\n\t"
        "cmp %[p], %[x1]\n\t"
        "bne 1b"
        : [a0] "=&r"(a0), [a1] "=&r"(a1), [x0] "=&r"(x0), [x1] "=&r"(x1), [p] "+r"(plane), [q] "+r"(q), [out] "+r"(out),
          [next] "+m"(next)
        : [left0] "r"(w->left[0]), [left1] "r"(w->left[1]), [left2] "r"(w->left[2]), [right0] "r"(w->right[0]),
          [right1] "r"(w->right[1]), [right2] "r"(w->right[2]), [bias] "m"(bias), [scale] "m"(scale), [last] "m"(last),
          [pitch] "m"(pitch_bytes), [rest] "m"(rest)
        : "cc", "memory");
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
