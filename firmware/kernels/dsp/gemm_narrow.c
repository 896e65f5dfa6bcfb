#include "gemm_narrow.h"

#include "fields.h"
#include "gemm_frame.h"
#include "requant.h"

/* What pairs of channels have in common. */
typedef struct {
    const int32_t *x;
    int32_t less[3]; /* what the fields' offset adds to each pixel's sums, to be added to biases: with the other sign */
    const int32_t *end;
    int32_t stride, zero_point;
} job;

/* pairs_...: the outputs of some pairs of channels, as `direct` ones are. sums_...: sums[6], the doubled sums of a pair
 * of channels, the first channel's of three pixels, then the second's. */
#if EQ_ASSEMBLY

/* Registers: r0 x, r1 weights, r2-r4 three pixels, r5 fields, r6 weights, r7-r9 the first channel's sums and r10-r12
 * the second's, lr the mask. */
#define EQ_PAIR(first, second)                                                                                         \
    "ldmia r0!, {r2-r4}\n\t"                                                                                           \
    "and r5, lr, r6" first "\n\t"                                                                                      \
    "smlad r7, r5, r2, r7\n\t"                                                                                         \
    "smlad r8, r5, r3, r8\n\t"                                                                                         \
    "smlad r9, r5, r4, r9\n\t"                                                                                         \
    "and r5, lr, r6" second "\n\t"                                                                                     \
    "smlad r10, r5, r2, r10\n\t"                                                                                       \
    "smlad r11, r5, r3, r11\n\t"                                                                                       \
    "smlad r12, r5, r4, r12\n\t"
#define EQ_LEFT(n) ", lsl #" #n
#define EQ_RIGHT(n) ", lsr #" #n
#define EQ_INT2                                                                                                        \
    EQ_PAIR(EQ_LEFT(1), EQ_RIGHT(1))                                                                                   \
    EQ_PAIR(EQ_RIGHT(3), EQ_RIGHT(5)) EQ_PAIR(EQ_RIGHT(7), EQ_RIGHT(9)) EQ_PAIR(EQ_RIGHT(11), EQ_RIGHT(13))
#define EQ_BINARY                                                                                                      \
    EQ_PAIR(EQ_LEFT(2), EQ_LEFT(1))                                                                                    \
    EQ_PAIR("", EQ_RIGHT(1))                                                                                           \
    EQ_PAIR(EQ_RIGHT(2), EQ_RIGHT(3))                                                                                  \
    EQ_PAIR(EQ_RIGHT(4), EQ_RIGHT(5))                                                                                  \
    EQ_PAIR(EQ_RIGHT(6), EQ_RIGHT(7))                                                                                  \
    EQ_PAIR(EQ_RIGHT(8), EQ_RIGHT(9)) EQ_PAIR(EQ_RIGHT(10), EQ_RIGHT(11)) EQ_PAIR(EQ_RIGHT(12), EQ_RIGHT(13))

/* On the stack: 0 job, 4 the end of x, 8 out or sums, 12 pairs left, 16 saved registers. */
#define EQ_ENTER(mask)                                                                                                 \
    "push {r0-r11, lr}\n\tldr r4, [r0, #16]\n\tstr r4, [sp, #4]\n\tmov lr, #" mask "\n\torr lr, lr, lr, lsl #16\n"
#define EQ_LEAVE "add sp, sp, #16\n\tpop {r4-r11, pc}"
#define EQ_SUMS(words)                                                                                                 \
    "ldr r12, [sp]\n\t"                                                                                                \
    "ldmia r12, {r0, r2-r4}\n\t"                                                                                       \
    "ldmia r1!, {r5, r6}\n\t"                                                                                          \
    "add r7, r5, r2\n\t"                                                                                               \
    "add r8, r5, r3\n\t"                                                                                               \
    "add r9, r5, r4\n\t"                                                                                               \
    "add r10, r6, r2\n\t"                                                                                              \
    "add r11, r6, r3\n\t"                                                                                              \
    "add r12, r6, r4\n"                                                                                                \
    "2:\n\t"                                                                                                           \
    "ldr r6, [r1], #4\n\t" words "ldr r5, [sp, #4]\n\t"                                                                \
    "cmp r0, r5\n\t"                                                                                                   \
    "bne" EQ_WIDE " 2b\n\t"
#define EQ_OUTPUTS                                                                                                     \
    "ldr r5, [sp]\n\t"                                                                                                 \
    "ldr r3, [r5, #20]\n\t"                                                                                            \
    "ldr r4, [r5, #24]\n\t"                                                                                            \
    "ldmia r1!, {r5, r6}\n\t"                                                                                          \
    "ldr r2, [sp, #8]\n\t" EQ_SIX(EQ_HIGH, "r5", "r6") EQ_SIX(EQ_NARROW, "", "") "strb r8, [r2, r3]\n\t"               \
                                                                                 "strb r9, [r2, r3, lsl #1]\n\t"       \
                                                                                 "strb r7, [r2], #1\n\t"               \
                                                                                 "strb r11, [r2, r3]\n\t"              \
                                                                                 "strb r12, [r2, r3, lsl #1]\n\t"      \
                                                                                 "strb r10, [r2], #1\n\t"              \
                                                                                 "ldr r5, [sp, #12]\n\t"               \
                                                                                 "str r2, [sp, #8]\n\t"                \
                                                                                 "subs r5, r5, #1\n\t"                 \
                                                                                 "str r5, [sp, #12]\n\t"               \
                                                                                 "bne" EQ_WIDE " 1b\n\t"

#define EQ_DEFINE(name, mask, words)                                                                                   \
    __attribute__((naked)) static void pairs_##name(                                                                   \
        const job *j __attribute__((unused)), const int32_t *weights __attribute__((unused)),                          \
        int8_t *out __attribute__((unused)), int32_t pairs __attribute__((unused)))                                    \
    {                                                                                                                  \
        __asm__(EQ_ENTER(mask) "1:\n\t" EQ_SUMS(words) EQ_OUTPUTS EQ_LEAVE);                                           \
    }                                                                                                                  \
    __attribute__((naked)) static void sums_##name(const job *j __attribute__((unused)),                               \
                                                   const int32_t *weights __attribute__((unused)),                     \
                                                   int32_t *sums __attribute__((unused)))                              \
    {                                                                                                                  \
        __asm__(EQ_ENTER(mask) EQ_SUMS(words) "ldr r5, [sp, #8]\n\tstmia r5, {r7-r12}\n\t" EQ_LEAVE);                  \
    }
EQ_DEFINE(int2, "6", EQ_INT2)
EQ_DEFINE(binary, "4", EQ_BINARY)

#else

static const int32_t *multiply(const job *j, const int32_t *weights, int32_t *sums, int32_t bits)
{
    for (int32_t i = 0; i < 6; i++) {
        sums[i] = weights[i / 3] + j->less[i % 3];
    }
    weights += 2;
    for (const int32_t *x = j->x; x != j->end; weights++) {
        for (int32_t pair = 0; pair < 16 / bits; pair += 2, x += 3) {
            for (int32_t i = 0; i < 6; i++) {
                sums[i] = eq_smlad(eq_dsp_field((uint32_t)*weights, pair + i / 3, bits), x[i % 3], sums[i]);
            }
        }
    }
    return weights;
}

static void outputs(const job *j, const int32_t *weights, int8_t *out, int32_t pairs, int32_t bits)
{
    for (; pairs > 0; pairs--, out += 2) {
        int32_t sums[6];
        weights = multiply(j, weights, sums, bits);
        for (int32_t i = 0; i < 6; i++) {
            out[i % 3 * j->stride + i / 3] = (int8_t)eq_ssat8(eq_smmlar(sums[i], weights[i / 3], j->zero_point));
        }
        weights += 2;
    }
}

static void pairs_int2(const job *j, const int32_t *weights, int8_t *out, int32_t pairs)
{
    outputs(j, weights, out, pairs, 2);
}

static void pairs_binary(const job *j, const int32_t *weights, int8_t *out, int32_t pairs)
{
    outputs(j, weights, out, pairs, 1);
}

static void sums_int2(const job *j, const int32_t *weights, int32_t *sums)
{
    (void)multiply(j, weights, sums, 2);
}

static void sums_binary(const job *j, const int32_t *weights, int32_t *sums)
{
    (void)multiply(j, weights, sums, 1);
}

#endif

static EQ_NOINLINE void begin(const eq_gemm_dsp *g, const int32_t *x, int32_t stride, int32_t offset, job *j)
{
    int32_t a = 0, b = 0, c = 0;
    const int32_t *const end = x + 3 * (g->k >> 1);
    for (const int32_t *at = x; at != end; at += 3) {
        a = eq_smlad(at[0], 0x00010001, a);
        b = eq_smlad(at[1], 0x00010001, b);
        c = eq_smlad(at[2], 0x00010001, c);
    }
    *j = (job){x, {-offset * a, -offset * b, -offset * c}, end, stride, g->zero_point};
}

typedef void pairs_of(const job *j, const int32_t *weights, int8_t *out, int32_t pairs);
typedef void sums_of(const job *j, const int32_t *weights, int32_t *sums);

EQ_INLINE void gemm_direct(const eq_gemm_dsp *g, const int32_t *x, int8_t *out, int32_t stride, pairs_of *pairs,
                           int32_t bits)
{
    const int32_t odd = g->out_c & 1, half = g->out_c >> 1;
    job j;
    begin(g, x, stride, EQ_FIELD_OFFSET(bits), &j);
    if (odd) {
        pairs(&j, g->weights, out, 1);
    }
    if (half > 0) {
        pairs(&j, g->weights + odd * (4 + (int32_t)((uint32_t)(g->k * bits) / 16U)), out + odd, half);
    }
}

EQ_INLINE void gemm_rounded(const eq_gemm_dsp *g, const int32_t *x, int8_t *out, int32_t stride, sums_of *multiply_by,
                            int32_t bits, eq_rounding rounding)
{
    const int32_t *w = g->weights;
    job j;
    begin(g, x, stride, EQ_FIELD_OFFSET(bits), &j);
    for (int32_t done = 0; done < g->out_c; done += 2 - (done == 0 && g->out_c & 1)) {
        int32_t sums[6];
        multiply_by(&j, w, sums);
        w += 2 + (int32_t)((uint32_t)(g->k * bits) / 16U);
        for (int32_t i = 0; i < 2 && done + i < g->out_c; i++) {
            const int32_t c = done + i, mantissa = g->mantissa[c], shift = g->shift[c];
            for (int32_t k = 0; k < 3; k++) {
                out[k * stride + c] =
                    eq_dsp_requantize(sums[3 * i + k] >> 1, mantissa, shift, g->zero_point, g->qmin, g->qmax, rounding);
            }
        }
    }
}

void eq_dsp_gemm_int2_direct(const eq_gemm_dsp *g, const int32_t *x, int8_t *out, int32_t stride)
{
    gemm_direct(g, x, out, stride, pairs_int2, 2);
}

void eq_dsp_gemm_binary_direct(const eq_gemm_dsp *g, const int32_t *x, int8_t *out, int32_t stride)
{
    gemm_direct(g, x, out, stride, pairs_binary, 1);
}

#define DEFINE(suffix, rounding)                                                                                       \
    void eq_dsp_gemm_int2_##suffix(const eq_gemm_dsp *g, const int32_t *x, int8_t *out, int32_t stride)                \
    {                                                                                                                  \
        gemm_rounded(g, x, out, stride, sums_int2, 2, rounding);                                                       \
    }                                                                                                                  \
    void eq_dsp_gemm_binary_##suffix(const eq_gemm_dsp *g, const int32_t *x, int8_t *out, int32_t stride)              \
    {                                                                                                                  \
        gemm_rounded(g, x, out, stride, sums_binary, 1, rounding);                                                     \
    }
EQ_FOR_EACH_ROUNDING(DEFINE)
