#include "eq/thumb_int4.h"

#if defined(__thumb2__)

/* A word, 40 bytes of code, 44 with what loads it; its second step begins after 20. */
#define WORD                                                                                                           \
    "ldrsb.w r5, [r1], #1\n\t"                                                                                         \
    "and.w r6, r3, r4\n\t"                                                                                             \
    "mla r7, r6, r5, r7\n\t"                                                                                           \
    "and.w r6, r3, r4, lsr #4\n\t"                                                                                     \
    "mla r8, r6, r5, r8\n\t"                                                                                           \
    "ldrsb.w r5, [r1], #1\n\t"                                                                                         \
    "and.w r6, r3, r4, lsr #8\n\t"                                                                                     \
    "mla r7, r6, r5, r7\n\t"                                                                                           \
    "and.w r6, r3, r4, lsr #12\n\t"                                                                                    \
    "mla r8, r6, r5, r8\n\t"
#define LOAD "ldr.w r4, [r0], #4\n\t"

/* r0 weights, r1 x, r3 mask, r4 word of weights, r5 value, r6 part of the word, r7 and r8 sums of the block, r9-r12
 * sums, lr blocks left. */
__attribute__((naked)) void eq_thumb2_four_rows_int4(const uint32_t *weights __attribute__((unused)),
                                                     const int8_t *x __attribute__((unused)),
                                                     int32_t k __attribute__((unused)),
                                                     int32_t *sums __attribute__((unused)))
{
    __asm__ volatile(
        ".syntax unified\n\t"
        "push {r3, r4, r5, r6, r7, r8, r9, r10, r11, lr}\n\t"
        "ldmia r3, {r9, r10, r11, r12}\n\t"
        "and r4, r2, #1\n\t"
        "add r2, r2, #1\n\t"
        "lsr r2, r2, #1\n\t"
        "rsb r5, r2, #0\n\t"
        "and r5, r5, #7\n\t"
        "add r2, r2, #7\n\t"
        "lsr lr, r2, #3\n\t"
        "mov r6, #44\n\t"
        "mul r5, r5, r6\n\t"
        "mov r6, #20\n\t"
        "mla r5, r4, r6, r5\n\t"
        "add r5, r5, #2\n\t"
        "mov r3, #0x000f000f\n\t"
        "mov r7, #32768\n\t"
        "mov r8, #32768\n\t"
        "ldr r4, [r0], #4\n\t"
        "add pc, r5\n\t" /* past the next instruction, and what the first block and the first word do not have */
        "1:\n\t"         /* a block */
        LOAD WORD LOAD WORD LOAD WORD LOAD WORD LOAD WORD LOAD WORD LOAD WORD LOAD WORD "uxth r6, r7\n\t"
        "add r9, r9, r6\n\t"
        "add r10, r10, r7, asr #16\n\t"
        "uxth r6, r8\n\t"
        "add r11, r11, r6\n\t"
        "add r12, r12, r8, asr #16\n\t"
        "mov r7, #32768\n\t"
        "mov r8, #32768\n\t"
        "subs lr, lr, #1\n\t"
        "bne 1b\n\t"
        "ldr r3, [sp]\n\t"
        "stmia r3, {r9, r10, r11, r12}\n\t"
        "pop {r3, r4, r5, r6, r7, r8, r9, r10, r11, pc}");
}

#else

void eq_thumb2_four_rows_int4(const uint32_t *weights, const int8_t *x, int32_t k, int32_t *sums)
{
    eq_thumb_int4_four_rows(weights, x, k, sums);
}

#endif
