#include "eq/thumb2.h"

#if defined(__thumb2__)

/* 24 bytes of code. */
#define STEP                                                                                                           \
    "ldrsb r3, [r1], #1\n\t"                                                                                           \
    "ldmia r0!, {r4, r5}\n\t"                                                                                          \
    "smlal r6, r7, r4, r3\n\t"                                                                                         \
    "smlal r8, r9, r5, r3\n\t"                                                                                         \
    "ldmia r0!, {r4, r5}\n\t"                                                                                          \
    "smlal r10, r11, r4, r3\n\t"                                                                                       \
    "smlal r12, lr, r5, r3\n\t"

/* r0 tile, r1 weights, r2 rounds of eight steps left, r3 weight, r4-r5 words, r6-r12 and lr the sums.
 * On the stack: where in a round to start, tile, sums, rounds, nine saved registers, channels left. */
__attribute__((naked)) void eq_thumb2_gemm(const int32_t *tile __attribute__((unused)),
                                           const int8_t *weights __attribute__((unused)),
                                           int64_t *sums __attribute__((unused)), int32_t k __attribute__((unused)),
                                           int32_t channels __attribute__((unused)))
{
    __asm__ volatile(".syntax unified\n\t"
                     "push {r4, r5, r6, r7, r8, r9, r10, r11, lr}\n\t"
                     "rsb r4, r3, #0\n\t"
                     "and r4, r4, #7\n\t"
                     "add r3, r3, #7\n\t"
                     "lsr r3, r3, #3\n\t"
                     "adr r5, 2f\n\t"
                     "add r4, r4, r4, lsl #1\n\t"
                     "add r4, r5, r4, lsl #3\n\t"
                     "orr r4, r4, #1\n\t"
                     "push {r0, r2, r3}\n\t"
                     "push {r4}\n"
                     "1:\n\t"
                     "ldr r0, [sp, #4]\n\t"
                     "ldr r2, [sp, #12]\n\t"
                     "movs r6, #0\n\t"
                     "movs r7, #0\n\t"
                     "mov r8, #0\n\t"
                     "mov r9, #0\n\t"
                     "mov r10, #0\n\t"
                     "mov r11, #0\n\t"
                     "mov r12, #0\n\t"
                     "mov lr, #0\n\t"
                     "ldr pc, [sp]\n\t"
                     ".p2align 2\n"
                     "2:\n\t" STEP STEP STEP STEP STEP STEP STEP STEP "subs r2, r2, #1\n\t"
                     "bne 2b\n\t"
                     "ldr r2, [sp, #8]\n\t"
                     "stmia r2!, {r6, r7, r8, r9, r10, r11, r12, lr}\n\t"
                     "str r2, [sp, #8]\n\t"
                     "ldr r3, [sp, #52]\n\t"
                     "subs r3, r3, #1\n\t"
                     "str r3, [sp, #52]\n\t"
                     "bne 1b\n\t"
                     "add sp, sp, #16\n\t"
                     "pop {r4, r5, r6, r7, r8, r9, r10, r11, pc}");
}

#else

void eq_thumb2_gemm(const int32_t *tile, const int8_t *weights, int64_t *sums, int32_t k, int32_t channels)
{
    for (int32_t c = 0; c < channels; c++, sums += 4) {
        const int32_t *x = tile;
        sums[0] = sums[1] = sums[2] = sums[3] = 0;
        for (int32_t i = 0; i < k; i++, x += 4, weights++) {
            for (int32_t q = 0; q < 4; q++) {
                sums[q] += (int64_t)x[q] * *weights;
            }
        }
    }
}

#endif
