#include "gemm_int4.h"

#include "gemm_frame.h"
#include "requant.h"

/* A weight in the highest bits of a half is 4096 times itself: one instruction masks and shifts it there. So are the
 * sums, whose bias is added after they are shifted back: for `direct` to twice themselves. */
#if EQ_ASSEMBLY

/* Registers: r0 x, r1 weights, r2-r4 three pixels, r5 what is masked, r6 weights, r7-r9 the first channel's
 * accumulators and r10-r12 the second's, lr the mask. A step is four values of k. */
#define EQ_INT4_HALF                                                                                                   \
    "ldmia r0!, {r2-r4}\n\t"                                                                                           \
    "and r5, lr, r6, lsl #4\n\t"                                                                                       \
    "smlad r7, r5, r2, r7\n\t"                                                                                         \
    "smlad r8, r5, r3, r8\n\t"                                                                                         \
    "smlad r9, r5, r4, r9\n\t"                                                                                         \
    "and r5, lr, r6\n\t"                                                                                               \
    "smlad r10, r5, r2, r10\n\t"                                                                                       \
    "smlad r11, r5, r3, r11\n\t"                                                                                       \
    "smlad r12, r5, r4, r12\n\t"

#define EQ_INT4_STEP                                                                                                   \
    "ldr r6, [r1], #4\n\t"                                                                                             \
    "ldmia r0!, {r2-r4}\n\t"                                                                                           \
    "and r5, lr, r6, lsl #12\n\t"                                                                                      \
    "smlad r7, r5, r2, r7\n\t"                                                                                         \
    "smlad r8, r5, r3, r8\n\t"                                                                                         \
    "smlad r9, r5, r4, r9\n\t"                                                                                         \
    "and r5, lr, r6, lsl #8\n\t"                                                                                       \
    "smlad r10, r5, r2, r10\n\t"                                                                                       \
    "smlad r11, r5, r3, r11\n\t"                                                                                       \
    "smlad r12, r5, r4, r12\n\t" EQ_INT4_HALF

#define EQ_INT4_FIRST                                                                                                  \
    "ldr r6, [r1], #4\n\t"                                                                                             \
    "ldmia r0!, {r2-r4}\n\t"                                                                                           \
    "and r5, lr, r6, lsl #12\n\t"                                                                                      \
    "smuad r7, r5, r2\n\t"                                                                                             \
    "smuad r8, r5, r3\n\t"                                                                                             \
    "smuad r9, r5, r4\n\t"                                                                                             \
    "and r5, lr, r6, lsl #8\n\t"                                                                                       \
    "smuad r10, r5, r2\n\t"                                                                                            \
    "smuad r11, r5, r3\n\t"                                                                                            \
    "smuad r12, r5, r4\n\t" EQ_INT4_HALF

/* The biases come after the weights. */
#define EQ_INT4_BIAS(acc, bias) "add " acc ", " bias ", " acc ", asr #11\n\t"
#define EQ_INT4_SUMS EQ_NEXT_TWO("r5", "r6", "r1") EQ_SIX(EQ_INT4_BIAS, "r5", "r6")
#define EQ_INT4_MASK "str lr, [sp, #28]\n\t" EQ_HIGHEST_BITS("lr")
#define EQ_INT4_UNTIL "ldr r5, [sp, #28]\n\tcmp r0, r5\n\t"

__attribute__((naked)) void eq_dsp_gemm_int4_direct(const eq_gemm_dsp *g __attribute__((unused)),
                                                    const int32_t *x __attribute__((unused)),
                                                    int8_t *out __attribute__((unused)),
                                                    int32_t stride __attribute__((unused)))
{
    __asm__(EQ_GEMM(EQ_INT4_MASK, "mov r11, r8\n\t", EQ_INT4_UNTIL, EQ_BYTES("8", "12"), EQ_INT4_FIRST, EQ_INT4_STEP,
                    EQ_INT4_SUMS, EQ_FINISH_FAST, "16"));
}

/* Six sums of products, times 4096: the first channel's, then the second's. Returns the end of the weights. */
__attribute__((naked)) static const int32_t *multiply_int4(const int32_t *weights __attribute__((unused)),
                                                           const int32_t *x __attribute__((unused)),
                                                           int32_t k __attribute__((unused)),
                                                           int32_t *sums __attribute__((unused)))
{
    __asm__("push {r3-r11, lr}\n\t"
            "add r2, r2, r2, lsl #1\n\t"
            "add r2, r1, r2, lsl #1\n\t"
            "push {r2}\n\t"
            "mov r4, r0\n\t"
            "mov r0, r1\n\t"
            "mov r1, r4\n\t" EQ_HIGHEST_BITS("lr") EQ_INT4_FIRST /* begins the sums */
            "b 2f\n"
            "1:\n\t" EQ_INT4_STEP "2:\n\t"
            "ldr r5, [sp]\n\t"
            "cmp r0, r5\n\t"
            "bne 1b\n\t"
            "pop {r2, r3}\n\t"
            "stmia r3, {r7-r12}\n\t"
            "mov r0, r1\n\t"
            "pop {r4-r11, pc}");
}

#else

/* Six sums of products, times 4096: the first channel's, then the second's. Returns the end of the weights. */
static const int32_t *multiply_int4(const int32_t *weights, const int32_t *x, int32_t k, int32_t *sums)
{
    for (int32_t j = 0; j < 6; j++) {
        sums[j] = 0;
    }
    for (int32_t i = 0; i < k; i += 4, weights++, x += 6) {
        for (int32_t part = 0; part < 4; part++) {
            const int32_t w = (int32_t)((uint32_t)*weights << (12 - 4 * part) & 0xF000F000U);
            for (int32_t j = 0; j < 3; j++) {
                int32_t *const sum = sums + 3 * (part & 1) + j;
                *sum = eq_smlad(w, x[3 * (part >> 1) + j], *sum);
            }
        }
    }
    return weights;
}

void eq_dsp_gemm_int4_direct(const eq_gemm_dsp *g, const int32_t *x, int8_t *out, int32_t stride)
{
    const int32_t *w = g->weights;
    for (int32_t done = 0; done < g->out_c; done += 2 - (done == 0 && g->out_c & 1)) {
        int32_t sums[6];
        w = multiply_int4(w, x, g->k, sums);
        for (int32_t j = 0; j < 3; j++) {
            out[j * stride + done] = (int8_t)eq_ssat8(eq_smmlar((sums[j] >> 11) + w[0], w[2], g->zero_point));
            out[j * stride + done + 1] = (int8_t)eq_ssat8(eq_smmlar((sums[3 + j] >> 11) + w[1], w[3], g->zero_point));
        }
        w += 4;
    }
}

#endif

EQ_INLINE void gemm_int4(const eq_gemm_dsp *g, const int32_t *x, int8_t *out, int32_t stride, eq_rounding rounding)
{
    const int32_t odd = g->out_c & 1;
    const int32_t *w = g->weights;
    for (int32_t done = 0; done < g->out_c; done += 2 - (done == 0 && odd)) {
        int32_t sums[6];
        w = multiply_int4(w, x, g->k, sums);
        for (int32_t i = 0; i < 2 && done + i < g->out_c; i++) {
            const int32_t c = done + i, mantissa = g->mantissa[c], shift = g->shift[c];
            for (int32_t j = 0; j < 3; j++) {
                const int32_t acc = (sums[3 * i + j] >> 12) + w[i];
                out[j * stride + c] =
                    eq_dsp_requantize(acc, mantissa, shift, g->zero_point, g->qmin, g->qmax, rounding);
            }
        }
        w += 2;
    }
}

#define DEFINE(suffix, rounding)                                                                                       \
    void eq_dsp_gemm_int4_##suffix(const eq_gemm_dsp *g, const int32_t *x, int8_t *out, int32_t stride)                \
    {                                                                                                                  \
        gemm_int4(g, x, out, stride, rounding);                                                                        \
    }
EQ_FOR_EACH_ROUNDING(DEFINE)
