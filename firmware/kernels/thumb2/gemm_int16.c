#include "eq/thumb_int16.h"

#if defined(__thumb2__)

/* 22 bytes of code. */
#define STEP                                                                                                           \
    "ldrsb.w r3, [r1], #1\n\t"                                                                                         \
    "ldmia r0!, {r4, r5, r6, r7}\n\t"                                                                                  \
    "mla r8, r3, r4, r8\n\t"                                                                                           \
    "mla r9, r3, r5, r9\n\t"                                                                                           \
    "mla r10, r3, r6, r10\n\t"                                                                                         \
    "mla r11, r3, r7, r11\n\t"

/* r0 tile, r1 weights, r2 sums, r3 weight, r4-r7 words, r8-r11 sums, r12 rounds of eight steps left. On the stack:
 * tile, rounds, bytes of code to skip, nine saved registers, channels left. */
__attribute__((naked)) const int8_t *eq_thumb2_gemm_int16(const int32_t *tile __attribute__((unused)),
                                                          const int8_t *weights __attribute__((unused)),
                                                          int32_t *sums __attribute__((unused)),
                                                          int32_t k __attribute__((unused)),
                                                          int32_t channels __attribute__((unused)))
{
    __asm__ volatile(".syntax unified\n\t"
                     "push {r4, r5, r6, r7, r8, r9, r10, r11, lr}\n\t"
                     "rsb r4, r3, #0\n\t"
                     "and r4, r4, #7\n\t"
                     "mov r5, #22\n\t"
                     "mul r4, r4, r5\n\t"
                     "add r3, r3, #7\n\t"
                     "lsr r3, r3, #3\n\t"
                     "push {r0, r3, r4}\n\t"
                     "1:\n\t" /* a channel */
                     "ldmia r2, {r8, r9, r10, r11}\n\t"
                     "ldr r0, [sp, #0]\n\t"
                     "ldrd r12, lr, [sp, #4]\n\t"
                     "add pc, lr\n\t" /* past the next instruction, and the steps that the first round does not have */
                     "nop.n\n\t"
                     "2:\n\t" STEP STEP STEP STEP STEP STEP STEP STEP "subs r12, r12, #1\n\t"
                     "bne 2b\n\t"
                     "stmia r2!, {r8, r9, r10, r11}\n\t"
                     "ldr r3, [sp, #48]\n\t"
                     "subs r3, r3, #1\n\t"
                     "str r3, [sp, #48]\n\t"
                     "bne 1b\n\t"
                     "mov r0, r1\n\t"
                     "add sp, sp, #12\n\t"
                     "pop {r4, r5, r6, r7, r8, r9, r10, r11, pc}");
}

#else

const int8_t *eq_thumb2_gemm_int16(const int32_t *tile, const int8_t *weights, int32_t *sums, int32_t k,
                                   int32_t channels)
{
    return eq_thumb_int16_products(tile, weights, sums, k, channels);
}

#endif
