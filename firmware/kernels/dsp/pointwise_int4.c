#include "eq/pointwise_int4_dsp.h"
#include "pointwise.h"
#include "requant.h"

/* A weight in the highest bits of a half is 4096 times itself: one instruction masks and shifts it there. So are the
 * sums, whose bias is added after they are shifted back. */
#if EQ_DSP_NATIVE && defined(__thumb2__)

/* Registers: r0 x, r1 weights, r2 mask, r3 what is masked, r4-r6 the first channel's accumulators and r7-r9 the
 * second's, r10-r12 three pixels, lr weights. On the stack: sums, and steps to come. */
#define EQ_INT4_STEP                                                                                                   \
    "ldr lr, [r1], #4\n\t"                                                                                             \
    "ldmia r0!, {r10-r12}\n\t"                                                                                         \
    "and r3, r2, lr, lsl #12\n\t"                                                                                      \
    "smlad r4, r3, r10, r4\n\t"                                                                                        \
    "smlad r5, r3, r11, r5\n\t"                                                                                        \
    "smlad r6, r3, r12, r6\n\t"                                                                                        \
    "and r3, r2, lr, lsl #8\n\t"                                                                                       \
    "smlad r7, r3, r10, r7\n\t"                                                                                        \
    "smlad r8, r3, r11, r8\n\t"                                                                                        \
    "smlad r9, r3, r12, r9\n\t"                                                                                        \
    "ldmia r0!, {r10-r12}\n\t"                                                                                         \
    "and r3, r2, lr, lsl #4\n\t"                                                                                       \
    "smlad r4, r3, r10, r4\n\t"                                                                                        \
    "smlad r5, r3, r11, r5\n\t"                                                                                        \
    "smlad r6, r3, r12, r6\n\t"                                                                                        \
    "and r3, r2, lr\n\t"                                                                                               \
    "smlad r7, r3, r10, r7\n\t"                                                                                        \
    "smlad r8, r3, r11, r8\n\t"                                                                                        \
    "smlad r9, r3, r12, r9\n\t"

__attribute__((naked)) static const int32_t *multiply_int4(const int32_t *weights __attribute__((unused)),
                                                           const int32_t *x __attribute__((unused)),
                                                           int32_t steps __attribute__((unused)),
                                                           int32_t *sums __attribute__((unused)))
{
    __asm__("push {r3-r11, lr}\n\t"
            "mov r12, r2\n\t"
            "mov r3, r0\n\t"
            "mov r0, r1\n\t"
            "mov r1, r3\n\t"
            "movw r2, #0xf000\n\t"
            "movt r2, #0xf000\n\t"
            "movs r4, #0\n\t"
            "movs r5, #0\n\t"
            "movs r6, #0\n\t"
            "movs r7, #0\n\t"
            "movs r8, #0\n\t"
            "movs r9, #0\n\t"
            "add r3, r12, #3\n\t"
            "lsrs r3, r3, #2\n\t"
            "push {r3}\n\t"
            "ands r12, r12, #3\n\t"
            "beq 4f\n\t"
            "cmp r12, #2\n\t"
            "bhi 3f\n\t"
            "beq 2f\n\t"
            "b 1f\n"
            "4:\n\t" EQ_INT4_STEP "3:\n\t" EQ_INT4_STEP "2:\n\t" EQ_INT4_STEP "1:\n\t" EQ_INT4_STEP "ldr r3, [sp]\n\t"
            "subs r3, r3, #1\n\t"
            "str r3, [sp]\n\t"
            "bne 4b\n\t"
            "pop {r2, r3}\n\t"
            "stmia r3, {r4-r9}\n\t"
            "mov r0, r1\n\t"
            "pop {r4-r11, pc}");
}

#else

static const int32_t *multiply_int4(const int32_t *weights, const int32_t *x, int32_t steps, int32_t *sums)
{
    for (int32_t j = 0; j < 6; j++) {
        sums[j] = 0;
    }
    for (int32_t i = 0; i < steps; i++, weights++, x += 6) {
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

#endif

/* One multiplication requantizes; the doubled multipliers lie behind the weights. */
static void gemm_int4_direct(const eq_gemm_dsp *g, const int32_t *x, int8_t *out, int32_t stride)
{
    const int32_t *w = g->weights;
    const int32_t zero_point = g->zero_point;
    for (int32_t done = 0; done < g->out_c; done += 2 - (done == 0 && g->out_c & 1)) {
        int32_t sums[6];
        const int32_t first = w[0], second = w[1];
        w = multiply_int4(w + 2, x, g->k >> 2, sums);
        for (int32_t j = 0; j < 3; j++) {
            out[j * stride + done] = (int8_t)eq_ssat8(eq_smmlar((sums[j] >> 12) + first, w[0], zero_point));
            out[j * stride + done + 1] = (int8_t)eq_ssat8(eq_smmlar((sums[3 + j] >> 12) + second, w[1], zero_point));
        }
        w += 2;
    }
}

void eq_pointwise_int4_dsp_direct(const eq_pointwise_dsp_params *p, const int8_t *input, int8_t *output, void *scratch)
{
    eq_dsp_pointwise(p, input, output, scratch, gemm_int4_direct);
}

EQ_INLINE void gemm_int4(const eq_gemm_dsp *g, const int32_t *x, int8_t *out, int32_t stride, eq_rounding rounding)
{
    const int32_t odd = g->out_c & 1;
    const int32_t *w = g->weights;
    for (int32_t done = 0; done < g->out_c; done += 2 - (done == 0 && odd)) {
        int32_t sums[6];
        const int32_t *const bias = w;
        w = multiply_int4(w + 2, x, g->k >> 2, sums);
        for (int32_t i = 0; i < 2 && done + i < g->out_c; i++) {
            const int32_t c = done + i, mantissa = g->mantissa[c], shift = g->shift[c];
            for (int32_t j = 0; j < 3; j++) {
                const int32_t acc = (sums[3 * i + j] >> 12) + bias[i];
                out[j * stride + c] =
                    eq_dsp_requantize(acc, mantissa, shift, g->zero_point, g->qmin, g->qmax, rounding);
            }
        }
    }
}

#define DEFINE(suffix, rounding)                                                                                       \
    static void gemm_int4_##suffix(const eq_gemm_dsp *g, const int32_t *x, int8_t *out, int32_t stride)                \
    {                                                                                                                  \
        gemm_int4(g, x, out, stride, rounding);                                                                        \
    }                                                                                                                  \
    void eq_pointwise_int4_dsp_##suffix(const eq_pointwise_dsp_params *p, const int8_t *input, int8_t *output,         \
                                        void *scratch)                                                                 \
    {                                                                                                                  \
        eq_dsp_pointwise(p, input, output, scratch, gemm_int4_##suffix);                                               \
    }
EQ_FOR_EACH_ROUNDING(DEFINE)
