#include "gemm.h"

#include "gemm_frame.h"
#include "requant.h"

#if EQ_ASSEMBLY

/* Registers: r0-r2 rows, r3 pairs of words to come, r4-r9 what is widened, r10 rows to come, r12 to. On the stack: from
 * the end of a row to the beginning of the next, for each of three, and the number of words plus one. Two words of each
 * row per turn, entered in its middle if words are odd. */
#define EQ_WORD                                                                                                        \
    "ldr r4, [r0], #4\n\t"                                                                                             \
    "ldr r5, [r1], #4\n\t"                                                                                             \
    "ldr r6, [r2], #4\n\t"                                                                                             \
    "sxtb16 r7, r4, ror #8\n\t"                                                                                        \
    "sxtb16 r8, r5, ror #8\n\t"                                                                                        \
    "sxtb16 r9, r6, ror #8\n\t"                                                                                        \
    "sxtb16 r4, r4\n\t"                                                                                                \
    "sxtb16 r5, r5\n\t"                                                                                                \
    "sxtb16 r6, r6\n\t"                                                                                                \
    "stmia r12!, {r4-r9}\n\t"

__attribute__((naked)) int32_t *eq_dsp_widen_rows(const eq_dsp_rows *from __attribute__((unused)),
                                                  int32_t words __attribute__((unused)),
                                                  int32_t rows __attribute__((unused)),
                                                  int32_t *to __attribute__((unused)))
{
    __asm__("push {r4-r11, lr}\n\t"
            "sub sp, sp, #20\n\t"
            "mov r12, r3\n\t"
            "mov r10, r2\n\t"
            "add r7, r1, #1\n\t"
            "lsl r11, r1, #2\n\t"
            "ldmia r0, {r0-r2, r4-r6}\n\t"
            "sub r4, r4, r11\n\t"
            "sub r5, r5, r11\n\t"
            "sub r6, r6, r11\n\t"
            "stmia sp, {r4-r7}\n"
            "1:\n\t"
            "lsrs r3, r7, #1\n\t"
            "bcc 3f\n"
            "2:\n\t" EQ_WORD "3:\n\t" EQ_WORD "subs r3, r3, #1\n\t"
            "bne 2b\n\t"
            "ldmia sp, {r4-r7}\n\t"
            "add r0, r0, r4\n\t"
            "add r1, r1, r5\n\t"
            "add r2, r2, r6\n\t"
            "subs r10, r10, #1\n\t"
            "bne 1b\n\t"
            "mov r0, r12\n\t"
            "add sp, sp, #20\n\t"
            "pop {r4-r11, pc}");
}

/* One row. */
__attribute__((naked)) static int32_t *widen_words(const int8_t *p0 __attribute__((unused)),
                                                   const int8_t *p1 __attribute__((unused)),
                                                   const int8_t *p2 __attribute__((unused)),
                                                   int32_t words __attribute__((unused)),
                                                   int32_t *to __attribute__((unused)))
{
    __asm__("push {r4-r9, lr}\n\t"
            "ldr r12, [sp, #28]\n\t"
            "adds r3, r3, #1\n\t"
            "lsrs r3, r3, #1\n\t"
            "bcc 2f\n"
            "1:\n\t" EQ_WORD "2:\n\t" EQ_WORD "subs r3, r3, #1\n\t"
            "bne 1b\n\t"
            "mov r0, r12\n\t"
            "pop {r4-r9, pc}");
}

#else

static void widen_word(int32_t a, int32_t b, int32_t c, int32_t *to)
{
    to[0] = eq_sxtb16(a), to[1] = eq_sxtb16(b), to[2] = eq_sxtb16(c);
    to[3] = eq_sxtb16_ror8(a), to[4] = eq_sxtb16_ror8(b), to[5] = eq_sxtb16_ror8(c);
}

static int32_t *widen_words(const int8_t *p0, const int8_t *p1, const int8_t *p2, int32_t words, int32_t *to)
{
    for (int32_t i = 0; i < words; i++, to += 6) {
        widen_word(eq_load4(p0 + 4 * i), eq_load4(p1 + 4 * i), eq_load4(p2 + 4 * i), to);
    }
    return to;
}

int32_t *eq_dsp_widen_rows(const eq_dsp_rows *from, int32_t words, int32_t rows, int32_t *to)
{
    for (int32_t y = 0; y < rows; y++) {
        to = widen_words(from->at[0] + y * from->step[0], from->at[1] + y * from->step[1],
                         from->at[2] + y * from->step[2], words, to);
    }
    return to;
}

#endif

/* The last n % 4 values of a pixel of n, n % 4 not 0; above them zeros. Reads nothing beside the pixel. */
static int32_t last_word(const int8_t *pixel, int32_t n)
{
    const int32_t rest = n & 3;
    uint32_t word = 0;
    if (n >= 4) {
        word = (uint32_t)eq_load4(pixel + n - 4) >> (32 - 8 * rest);
    } else {
        for (int32_t i = 0; i < rest; i++) {
            word |= (uint32_t)(uint8_t)pixel[i] << 8 * i;
        }
    }
    return (int32_t)word;
}

int32_t *eq_dsp_widen(const int8_t *p0, const int8_t *p1, const int8_t *p2, int32_t n, int32_t *to)
{
    if (n >= 4) {
        to = widen_words(p0, p1, p2, n >> 2, to);
    }
    if (n & 3) {
        const int32_t a = last_word(p0, n), b = last_word(p1, n), c = last_word(p2, n);
        to[0] = eq_sxtb16(a), to[1] = eq_sxtb16(b), to[2] = eq_sxtb16(c);
        to[3] = eq_sxtb16_ror8(a), to[4] = eq_sxtb16_ror8(b), to[5] = eq_sxtb16_ror8(c);
        to += 6;
    }
    return to;
}

#if EQ_ASSEMBLY

/* Registers: r0 x, r1 weights, r2-r4 three pixels, r5 and r6 weights, r7-r9 the first channel's accumulators and
 * r10-r12 the second's, lr the end of x. A step is four values of k. */
#define EQ_MIXED_STEP                                                                                                  \
    EQ_NEXT_TWO("r5", "r6", "r1")                                                                                      \
    "ldmia r0!, {r2-r4}\n\t"                                                                                           \
    "smlad r10, r5, r2, r10\n\t"                                                                                       \
    "smlad r11, r5, r3, r11\n\t"                                                                                       \
    "smlad r12, r5, r4, r12\n\t"                                                                                       \
    "sxtb16 r5, r5\n\t"                                                                                                \
    "smlad r7, r5, r2, r7\n\t"                                                                                         \
    "smlad r8, r5, r3, r8\n\t"                                                                                         \
    "smlad r9, r5, r4, r9\n\t"                                                                                         \
    "ldmia r0!, {r2-r4}\n\t"                                                                                           \
    "smlad r10, r6, r2, r10\n\t"                                                                                       \
    "smlad r11, r6, r3, r11\n\t"                                                                                       \
    "smlad r12, r6, r4, r12\n\t"                                                                                       \
    "sxtb16 r6, r6\n\t"                                                                                                \
    "smlad r7, r6, r2, r7\n\t"                                                                                         \
    "smlad r8, r6, r3, r8\n\t"                                                                                         \
    "smlad r9, r6, r4, r9\n\t"

/* The first step: the biases come before it. */
#define EQ_MIXED_FIRST                                                                                                 \
    EQ_NEXT_TWO("r9", "r12", "r1")                                                                                     \
    EQ_NEXT_TWO("r5", "r6", "r1")                                                                                      \
    "ldmia r0!, {r2-r4}\n\t"                                                                                           \
    "smlad r10, r5, r2, r12\n\t"                                                                                       \
    "smlad r11, r5, r3, r12\n\t"                                                                                       \
    "smlad r12, r5, r4, r12\n\t"                                                                                       \
    "sxtb16 r5, r5\n\t"                                                                                                \
    "smlad r7, r5, r2, r9\n\t"                                                                                         \
    "smlad r8, r5, r3, r9\n\t"                                                                                         \
    "smlad r9, r5, r4, r9\n\t"                                                                                         \
    "ldmia r0!, {r2-r4}\n\t"                                                                                           \
    "smlad r10, r6, r2, r10\n\t"                                                                                       \
    "smlad r11, r6, r3, r11\n\t"                                                                                       \
    "smlad r12, r6, r4, r12\n\t"                                                                                       \
    "sxtb16 r6, r6\n\t"                                                                                                \
    "smlad r7, r6, r2, r7\n\t"                                                                                         \
    "smlad r8, r6, r3, r8\n\t"                                                                                         \
    "smlad r9, r6, r4, r9\n\t"

#define EQ_PLAIN_HALF(w, a0, a1, b0, b1)                                                                               \
    "ldmia r0!, {r2-r4}\n\t"                                                                                           \
    "sxtb16 r5, " w "\n\t"                                                                                             \
    "sxtb16 r6, " w ", ror #8\n\t"                                                                                     \
    "smlad r7, r5, r2, " a0 "\n\t"                                                                                     \
    "smlad r8, r5, r3, " a1 "\n\t"                                                                                     \
    "smlad r9, r5, r4, r9\n\t"                                                                                         \
    "smlad r10, r6, r2, " b0 "\n\t"                                                                                    \
    "smlad r11, r6, r3, " b1 "\n\t"                                                                                    \
    "smlad r12, r6, r4, r12\n\t"

#define EQ_PLAIN_STEP                                                                                                  \
    "ldr r6, [r1], #4\n\t" EQ_PLAIN_HALF("r6", "r7", "r8", "r10",                                                      \
                                         "r11") "ldr r6, [r1], #4\n\t" EQ_PLAIN_HALF("r6", "r7", "r8", "r10", "r11")

#define EQ_PLAIN_FIRST                                                                                                 \
    EQ_NEXT_TWO("r9", "r12", "r1")                                                                                     \
    "ldr r6, [r1], #4\n\t" EQ_PLAIN_HALF("r6", "r9", "r9", "r12",                                                      \
                                         "r12") "ldr r6, [r1], #4\n\t" EQ_PLAIN_HALF("r6", "r7", "r8", "r10", "r11")

#define EQ_FINISH_SINGLE                                                                                               \
    EQ_NEXT_TWO("r5", "r6", "r1")                                                                                      \
    EQ_NEXT_TWO("r2", "r3", "r1")                                                                                      \
    "smmla r7, r7, r5, r2\n\t"                                                                                         \
    "smmla r8, r8, r5, r2\n\t"                                                                                         \
    "smmla r9, r9, r5, r2\n\t"                                                                                         \
    "smmla r10, r10, r6, r3\n\t"                                                                                       \
    "smmla r11, r11, r6, r3\n\t"                                                                                       \
    "smmla r12, r12, r6, r3\n\t" EQ_NEXT_TWO("r5", "r6", "r1") EQ_SIX(EQ_DOWN, "r5", "r6")                             \
        EQ_SIX(EQ_NARROW, "", "") "ldmia sp, {r2-r4}\n\t"
#define EQ_FIRST_ROUNDING EQ_NEXT_TWO("r5", "r6", "r1") EQ_SIX(EQ_HIGH_DOUBLED, "r5", "r6")
#define EQ_SECOND_ROUNDING EQ_NEXT_TWO("r5", "r6", "r1") EQ_SIX(EQ_AWAY, "", "") EQ_SIX(EQ_DOWN, "r5", "r6")
#define EQ_NARROWED "ldmia sp, {r2-r4}\n\t" EQ_SIX(EQ_ADD, "r4", "r4") EQ_SIX(EQ_NARROW, ", asr #1", ", asr #1")
#define EQ_FINISH_DOUBLE EQ_FIRST_ROUNDING EQ_SECOND_ROUNDING EQ_NARROWED

#define EQ_UNMIX                                                                                                       \
    "sub r10, r10, r7\n\t"                                                                                             \
    "sub r11, r11, r8\n\t"                                                                                             \
    "sub r12, r12, r9\n\t"                                                                                             \
    "asr r10, r10, #8\n\t"                                                                                             \
    "asr r11, r11, #8\n\t"                                                                                             \
    "asr r12, r12, #8\n\t"

#define EQ_DEFINE(name, ...)                                                                                           \
    __attribute__((naked)) void eq_dsp_gemm_##name(                                                                    \
        const eq_gemm_dsp *g __attribute__((unused)), const int32_t *x __attribute__((unused)),                        \
        int8_t *out __attribute__((unused)), int32_t stride __attribute__((unused)))                                   \
    {                                                                                                                  \
        __asm__(EQ_GEMM("", "lsl r11, r8, #1\n\t", "cmp r0, lr\n\t", EQ_BYTES("6", "8"), __VA_ARGS__));                \
    }
EQ_DEFINE(mixed, EQ_MIXED_FIRST, EQ_MIXED_STEP, EQ_UNMIX, EQ_FINISH_FAST, "16")
EQ_DEFINE(plain, EQ_PLAIN_FIRST, EQ_PLAIN_STEP, "", EQ_FINISH_FAST, "16")
EQ_DEFINE(mixed_single, EQ_MIXED_FIRST, EQ_MIXED_STEP, EQ_UNMIX, EQ_FINISH_SINGLE, "32")
EQ_DEFINE(mixed_double, EQ_MIXED_FIRST, EQ_MIXED_STEP, EQ_UNMIX, EQ_FINISH_DOUBLE, "24")

/* Biases and six sums of products, the first channel's, then the second's. Returns the end of the weights. */
__attribute__((naked)) static const int32_t *multiply(const int32_t *weights __attribute__((unused)),
                                                      const int32_t *x __attribute__((unused)),
                                                      int32_t k __attribute__((unused)),
                                                      int32_t *sums __attribute__((unused)))
{
    __asm__("push {r3-r11, lr}\n\t"
            "add r2, r2, r2, lsl #1\n\t"
            "add lr, r1, r2, lsl #1\n\t"
            "mov r4, r0\n\t"
            "mov r0, r1\n\t"
            "mov r1, r4\n\t" EQ_PLAIN_FIRST "cmp r0, lr\n\t"
            "beq 2f\n"
            "1:\n\t" EQ_PLAIN_STEP "cmp r0, lr\n\t"
            "bne 1b\n"
            "2:\n\t"
            "ldr r3, [sp]\n\t"
            "stmia r3, {r7-r12}\n\t"
            "mov r0, r1\n\t"
            "pop {r3-r11, pc}");
}

#else

static const int32_t *sums_of_products(const int32_t *weights, const int32_t *x, int32_t k, int32_t *sums, int mixed)
{
    sums[0] = sums[1] = sums[2] = weights[0];
    sums[3] = sums[4] = sums[5] = weights[1];
    weights += 2;
    for (int32_t i = 0; i < k; i += 2, weights++, x += 3) {
        const int32_t first = eq_sxtb16(*weights), second = mixed ? *weights : eq_sxtb16_ror8(*weights);
        for (int32_t j = 0; j < 3; j++) {
            sums[j] = eq_smlad(first, x[j], sums[j]);
            sums[3 + j] = eq_smlad(second, x[j], sums[3 + j]);
        }
    }
    return weights;
}

/* Biases and six sums of products, the first channel's, then the second's. Returns the end of the weights. */
static const int32_t *multiply(const int32_t *weights, const int32_t *x, int32_t k, int32_t *sums)
{
    return sums_of_products(weights, x, k, sums, 0);
}

/* An output; w points to what is packed of its channel, two words apart. */
typedef int32_t eq_finish(int32_t acc, const int32_t *w, int32_t zero_point);

static int32_t finish_fast(int32_t acc, const int32_t *w, int32_t zero_point)
{
    return eq_smmlar(acc, w[0], zero_point);
}

static int32_t finish_single(int32_t acc, const int32_t *w, int32_t zero_point)
{
    (void)zero_point;
    return (int32_t)(((int64_t)acc * w[0] >> 32) + w[2]) >> w[4];
}

static int32_t finish_double(int32_t acc, const int32_t *w, int32_t zero_point)
{
    const int32_t high = eq_smmlar(acc, w[0], acc);
    return (((high + (high >> 31)) >> w[2]) + zero_point) >> 1;
}

static void gemm(const eq_gemm_dsp *g, const int32_t *x, int8_t *out, int32_t stride, int mixed, eq_finish *finish,
                 int32_t words)
{
    const int32_t *w = g->weights;
    for (int32_t done = 0; done < g->out_c; done += 2 - (done == 0 && g->out_c & 1)) {
        int32_t sums[6];
        w = sums_of_products(w, x, g->k, sums, mixed);
        for (int32_t j = 0; j < 3; j++) {
            const int32_t second = mixed ? eq_wrap((int64_t)sums[3 + j] - sums[j]) >> 8 : sums[3 + j];
            out[j * stride + done] = (int8_t)eq_ssat8(finish(sums[j], w, g->zero_point));
            out[j * stride + done + 1] = (int8_t)eq_ssat8(finish(second, w + 1, g->zero_point));
        }
        w += words;
    }
}

#define EQ_DEFINE(name, mixed, finish, words)                                                                          \
    void eq_dsp_gemm_##name(const eq_gemm_dsp *g, const int32_t *x, int8_t *out, int32_t stride)                       \
    {                                                                                                                  \
        gemm(g, x, out, stride, mixed, finish, words);                                                                 \
    }
EQ_DEFINE(mixed, 1, finish_fast, 2)
EQ_DEFINE(plain, 0, finish_fast, 2)
EQ_DEFINE(mixed_single, 1, finish_single, 6)
EQ_DEFINE(mixed_double, 1, finish_double, 4)

#endif

static inline void gemm_rounded(const eq_gemm_dsp *g, const int32_t *x, int8_t *out, int32_t stride,
                                eq_rounding rounding)
{
    const int32_t odd = g->out_c & 1;
    const int32_t *w = g->weights;
    for (int32_t done = 0; done < g->out_c; done += 2 - (done == 0 && odd)) {
        int32_t sums[6];
        w = multiply(w, x, g->k, sums);
        for (int32_t c = done; c < done + 2 && c < g->out_c; c++) {
            for (int32_t j = 0; j < 3; j++) {
                out[j * stride + c] = eq_dsp_requantize(sums[3 * (c - done) + j], g->mantissa[c], g->shift[c],
                                                        g->zero_point, g->qmin, g->qmax, rounding);
            }
        }
    }
}

#define DEFINE(suffix, rounding)                                                                                       \
    void eq_dsp_gemm_##suffix(const eq_gemm_dsp *g, const int32_t *x, int8_t *out, int32_t stride)                     \
    {                                                                                                                  \
        gemm_rounded(g, x, out, stride, rounding);                                                                     \
    }
EQ_FOR_EACH_ROUNDING(DEFINE)
