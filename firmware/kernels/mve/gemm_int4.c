#include "gemm_int4.h"
#include "eq/mve.h"

/* A weight in the high half of a byte is sixteen times itself: one channel's are masked, the other's shifted there. So
 * are the sums, to which the bias is added when they are shifted back. */

#if EQ_MVE_NATIVE

/* As in gemm.c: r0 x, r1 w, r3 to, r11 bias; r2 r4, r6 r8, r10 r12 the sums of the three pixels; q4 the mask. */
#define UNUSED __attribute__((unused))
#define PARAMETERS const eq_pixels *x UNUSED, const int8_t *w UNUSED, const int32_t *bias UNUSED, int32_t *to UNUSED
#define NAKED __attribute__((naked, noinline)) void

#define ENTER                                                                                                          \
    "push {r4-r11, lr}\n\t"                                                                                            \
    "vpush {d8-d9}\n\t"                                                                                                \
    "mov r11, r2\n\t"                                                                                                  \
    "mov r2, #0xf0\n\t"                                                                                                \
    "vdup.8 q4, r2\n\t"
#define LEAVE                                                                                                          \
    "vpop {d8-d9}\n\t"                                                                                                 \
    "pop {r4-r11, pc}"
#define STORE_SUMS(bias)                                                                                               \
    "ldr " bias ", [r11], #4\n\t"                                                                                      \
    "add r2, " bias ", r2, asr #4\n\t"                                                                                 \
    "add r6, " bias ", r6, asr #4\n\t"                                                                                 \
    "add r10, " bias ", r10, asr #4\n\t"                                                                               \
    "ldr " bias ", [r11], #4\n\t"                                                                                      \
    "add r4, " bias ", r4, asr #4\n\t"                                                                                 \
    "add r8, " bias ", r8, asr #4\n\t"                                                                                 \
    "add r12, " bias ", r12, asr #4\n\t"                                                                               \
    "strd r6, r8, [r3, #64]\n\t"                                                                                       \
    "strd r10, r12, [r3, #128]\n\t"                                                                                    \
    "strd r2, r4, [r3], #8\n\t"
/* Sixteen k of the pixels at r5, r7, r9; `next` moves the pointers or gives an offset to them; add: "a", or "" to begin
 * the sums. */
#define STEP_AT(next, add)                                                                                             \
    "vldrb.8 q0, [r1], #16\n\t"                                                                                        \
    "vldrb.8 q2, [r5" next "\n\t"                                                                                      \
    "vand q1, q0, q4\n\t"                                                                                              \
    "vldrb.8 q3, [r7" next "\n\t"                                                                                      \
    "vshl.i8 q0, q0, #4\n\t"                                                                                           \
    "vmladav" add ".s8 r4, q2, q1\n\t"                                                                                 \
    "vmladav" add ".s8 r2, q2, q0\n\t"                                                                                 \
    "vldrb.8 q2, [r9" next "\n\t"                                                                                      \
    "vmladav" add ".s8 r6, q3, q0\n\t"                                                                                 \
    "vmladav" add ".s8 r8, q3, q1\n\t"                                                                                 \
    "vmladav" add ".s8 r10, q2, q0\n\t"                                                                                \
    "vmladav" add ".s8 r12, q2, q1\n\t"
#define STEP STEP_AT("], #16", "a")

/* All of k without a loop: one over the pairs is left. */
NAKED eq_gemm_int4_k64_mve(PARAMETERS)
{
    __asm__ volatile(ENTER "ldrd r5, r7, [r0]\n\t"
                           "ldr r9, [r0, #8]\n\t"
                           "ldr lr, [r0, #16]\n\t"
                           "dls lr, lr\n"
                           "1:\n\t" STEP_AT("]", "") STEP_AT(", #16]", "a") STEP_AT(", #32]", "a")
                               STEP_AT(", #48]", "a") STORE_SUMS("r0") "le lr, 1b\n\t" LEAVE);
}

/* A loop over k in one over the pairs. */
#define NESTED(begin, steps, end)                                                                                      \
    __asm__ volatile(ENTER "ldr lr, [r0, #16]\n\t"                                                                     \
                           "add lr, r3, lr, lsl #3\n\t"                                                                \
                           "push {lr}\n"                                                                               \
                           "1:\n\t"                                                                                    \
                           "ldrd r5, r7, [r0]\n\t"                                                                     \
                           "ldrd r9, lr, [r0, #8]\n\t"                                                                 \
                           "mov r2, #0\n\t"                                                                            \
                           "mov r4, #0\n\t"                                                                            \
                           "mov r6, #0\n\t"                                                                            \
                           "mov r8, #0\n\t"                                                                            \
                           "mov r10, #0\n\t"                                                                           \
                           "mov r12, #0\n\t" begin " lr, lr\n"                                                         \
                           "2:\n\t" steps end " lr, 2b\n\t" STORE_SUMS("r5") "ldr r2, [sp]\n\t"                        \
                                                                             "cmp r3, r2\n\t"                          \
                                                                             "bne 1b\n\t"                              \
                                                                             "add sp, sp, #4\n\t" LEAVE)

NAKED eq_gemm_int4_any_mve(PARAMETERS)
{
    NESTED("dlstp.8", STEP, "letp");
}

NAKED eq_gemm_int4_x32_mve(PARAMETERS)
{
    NESTED("dls", STEP STEP, "le");
}

#else

static void multiply(const eq_pixels *x, int32_t k, const int8_t *w, const int32_t *bias, int32_t *to)
{
    const int8_t *const pixel[3] = {x->x0, x->x1, x->x2};
    for (int32_t c = 0; c < 2 * x->pairs; c++) {
        const int8_t *const own = w + c / 2 * ((k + 15) / 16 * 16);
        for (int32_t p = 0; p < 3; p++) {
            int32_t sum = 0;
            for (int32_t i = 0; i < k; i++) {
                sum += pixel[p][i] * (int8_t)(uint8_t)((c % 2 ? (uint32_t)own[i] : (uint32_t)own[i] << 4) & 0xf0U);
            }
            to[EQ_BLOCK * p + c] = bias[c] + (sum >> 4);
        }
    }
}

#define TWIN(name, k)                                                                                                  \
    void name(const eq_pixels *x, const int8_t *w, const int32_t *bias, int32_t *to)                                   \
    {                                                                                                                  \
        multiply(x, k, w, bias, to);                                                                                   \
    }
TWIN(eq_gemm_int4_k64_mve, x->count)
TWIN(eq_gemm_int4_x32_mve, 32 * x->count)
TWIN(eq_gemm_int4_any_mve, x->count)

#endif
