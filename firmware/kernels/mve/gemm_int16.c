#include "gemm_int16.h"
#include "eq/mve.h"

#if EQ_MVE_NATIVE

/* As in gemm.c: r0 x, r1 w, r3 to, r11 bias; r2 r4, r6 r8, r10 r12 the sums of the three pixels. */
#define UNUSED __attribute__((unused))
#define PARAMETERS const eq_pixels *x UNUSED, const int8_t *w UNUSED, const int32_t *bias UNUSED, int32_t *to UNUSED
#define NAKED __attribute__((naked, noinline)) void

#define ENTER                                                                                                          \
    "push {r4-r11, lr}\n\t"                                                                                            \
    "mov r11, r2\n\t"
#define LEAVE "pop {r4-r11, pc}"
#define LOAD_BIAS                                                                                                      \
    "ldrd r2, r4, [r11]\n\t"                                                                                           \
    "ldrd r6, r8, [r11]\n\t"                                                                                           \
    "ldrd r10, r12, [r11], #8\n\t"
#define STORE_SUMS                                                                                                     \
    "strd r6, r8, [r3, #64]\n\t"                                                                                       \
    "strd r10, r12, [r3, #128]\n\t"                                                                                    \
    "strd r2, r4, [r3], #8\n\t"
/* Eight k of the pixels at r5, r7, r9; `next` moves the pointers or gives an offset to them. */
#define STEP_AT(next)                                                                                                  \
    "vldrb.s16 q0, [r1], #8\n\t"                                                                                       \
    "vldrh.16 q2, [r5" next "\n\t"                                                                                     \
    "vldrb.s16 q1, [r1], #8\n\t"                                                                                       \
    "vldrh.16 q3, [r7" next "\n\t"                                                                                     \
    "vmladava.s16 r2, q2, q0\n\t"                                                                                      \
    "vmladava.s16 r4, q2, q1\n\t"                                                                                      \
    "vldrh.16 q2, [r9" next "\n\t"                                                                                     \
    "vmladava.s16 r6, q3, q0\n\t"                                                                                      \
    "vmladava.s16 r8, q3, q1\n\t"                                                                                      \
    "vmladava.s16 r10, q2, q0\n\t"                                                                                     \
    "vmladava.s16 r12, q2, q1\n\t"
#define STEP STEP_AT("], #16")

/* All of k without a loop: one over the pairs is left. */
NAKED eq_gemm_int16_k64_mve(PARAMETERS)
{
    __asm__ volatile(ENTER "ldrd r5, r7, [r0]\n\t"
                           "ldr r9, [r0, #8]\n\t"
                           "ldr lr, [r0, #16]\n\t"
                           "dls lr, lr\n"
                           "1:\n\t" LOAD_BIAS STEP_AT("]") STEP_AT(", #16]") STEP_AT(", #32]") STEP_AT(", #48]")
                               STEP_AT(", #64]") STEP_AT(", #80]") STEP_AT(", #96]") STEP_AT(", #112]") STORE_SUMS
                     "le lr, 1b\n\t" LEAVE);
}

/* A loop over k in one over the pairs. */
#define NESTED(begin, steps, end)                                                                                      \
    __asm__ volatile(ENTER "ldr lr, [r0, #16]\n\t"                                                                     \
                           "add lr, r3, lr, lsl #3\n\t"                                                                \
                           "push {lr}\n"                                                                               \
                           "1:\n\t" LOAD_BIAS "ldrd r5, r7, [r0]\n\t"                                                  \
                           "ldrd r9, lr, [r0, #8]\n\t" begin " lr, lr\n"                                               \
                           "2:\n\t" steps end " lr, 2b\n\t" STORE_SUMS "ldr r2, [sp]\n\t"                              \
                           "cmp r3, r2\n\t"                                                                            \
                           "bne 1b\n\t"                                                                                \
                           "add sp, sp, #4\n\t" LEAVE)

NAKED eq_gemm_int16_any_mve(PARAMETERS)
{
    NESTED("dlstp.16", STEP, "letp");
}

NAKED eq_gemm_int16_x16_mve(PARAMETERS)
{
    NESTED("dls", STEP STEP, "le");
}

#else

static void multiply(const eq_pixels *x, int32_t k, const int8_t *w, const int32_t *bias, int32_t *to)
{
    const int8_t *const pixel[3] = {x->x0, x->x1, x->x2};
    for (int32_t c = 0; c < 2 * x->pairs; c++) {
        const int8_t *const own = w + c / 2 * ((k + 7) / 8 * 16) + c % 2 * 8;
        for (int32_t p = 0; p < 3; p++) {
            int32_t sum = bias[c];
            for (int32_t i = 0; i < k; i++) {
                int16_t value;
                memcpy(&value, pixel[p] + 2 * i, sizeof value);
                sum = eq_wrap_s32((int64_t)sum + value * own[i / 8 * 16 + i % 8]);
            }
            to[EQ_BLOCK * p + c] = sum;
        }
    }
}

#define TWIN(name, k)                                                                                                  \
    void name(const eq_pixels *x, const int8_t *w, const int32_t *bias, int32_t *to)                                   \
    {                                                                                                                  \
        multiply(x, k, w, bias, to);                                                                                   \
    }
TWIN(eq_gemm_int16_k64_mve, x->count)
TWIN(eq_gemm_int16_x16_mve, 16 * x->count)
TWIN(eq_gemm_int16_any_mve, x->count)

#endif
