/* The micro-kernel of eq/thumb_int4.h for weights of 4, 2 bits and 1: what differs is how many steps a word has. */
#ifndef EQ_THUMB2_GEMM_H
#define EQ_THUMB2_GEMM_H

#include "eq/thumb_int4.h"

/* A step, 22 bytes of code. */
#define EQ_THUMB_STEP(bit, bits)                                                                                       \
    "sbfx r3, r2, #" bit ", #" bits "\n\t"                                                                             \
    "ldmia r0!, {r4, r5, r6, r7}\n\t"                                                                                  \
    "mla r8, r3, r4, r8\n\t"                                                                                           \
    "mla r9, r3, r5, r9\n\t"                                                                                           \
    "mla r10, r3, r6, r10\n\t"                                                                                         \
    "mla r11, r3, r7, r11\n\t"

/* r0 tile, r1 weights, r2 word of weights, r3 weight, r4-r7 words of the tile, r8-r11 their sums, r12 sums, lr end of
 * the block. On the stack: tile, end of the channel, bytes of a channel, of a block, bytes of code to skip, channels
 * left, saved registers. */
#define EQ_THUMB_GEMM(name, steps)                                                                                     \
    __attribute__((naked)) const uint32_t *name(                                                                       \
        const int32_t *tile __attribute__((unused)), const uint32_t *weights __attribute__((unused)),                  \
        int32_t *sums __attribute__((unused)), int32_t channels __attribute__((unused)),                               \
        const eq_thumb_int4 *shape __attribute__((unused)))                                                            \
    {                                                                                                                  \
        __asm__ volatile(".syntax unified\n\t"                                                                         \
                         "push {r3, r4, r5, r6, r7, r8, r9, r10, r11, lr}\n\t"                                         \
                         "ldr r4, [sp, #40]\n\t"                                                                       \
                         "ldmia r4, {r5, r6, r7}\n\t"                                                                  \
                         "lsl r5, r5, #2\n\t"                                                                          \
                         "lsl r6, r6, #2\n\t"                                                                          \
                         "mov r3, #22\n\t"                                                                             \
                         "mul r7, r3, r7\n\t"                                                                          \
                         "add r7, r7, #2\n\t"                                                                          \
                         "push {r0, r4, r5, r6, r7}\n\t"                                                               \
                         "mov r12, r2\n\t"                                                                             \
                         "1:\n\t" /* a channel */                                                                      \
                         "ldr r0, [sp, #0]\n\t"                                                                        \
                         "ldr r7, [sp, #16]\n\t"                                                                       \
                         "ldr r2, [sp, #8]\n\t"                                                                        \
                         "add r2, r1, r2\n\t"                                                                          \
                         "str r2, [sp, #4]\n\t"                                                                        \
                         "2:\n\t" /* a block */                                                                        \
                         "ldr r3, [sp, #12]\n\t"                                                                       \
                         "add lr, r1, r3\n\t"                                                                          \
                         "cmp lr, r2\n\t"                                                                              \
                         "it hi\n\t"                                                                                   \
                         "movhi lr, r2\n\t"                                                                            \
                         "mov r8, #32768\n\t"                                                                          \
                         "mov r9, #32768\n\t"                                                                          \
                         "mov r10, #32768\n\t"                                                                         \
                         "mov r11, #32768\n\t"                                                                         \
                         "ldr r2, [r1], #4\n\t"                                                                        \
                         "add pc, r7\n\t"                                                                              \
                         "3:\n\t"                                                                                      \
                         "ldr.w r2, [r1], #4\n\t" steps "cmp r1, lr\n\t"                                               \
                         "bne.w 3b\n\t"                                                                                \
                         "ldmia r12, {r4, r5, r6, r7}\n\t"                                                             \
                         "uxth r3, r8\n\t"                                                                             \
                         "add r4, r4, r3\n\t"                                                                          \
                         "uxth r3, r9\n\t"                                                                             \
                         "add r5, r5, r3\n\t"                                                                          \
                         "uxth r3, r10\n\t"                                                                            \
                         "add r6, r6, r3\n\t"                                                                          \
                         "uxth r3, r11\n\t"                                                                            \
                         "add r7, r7, r3\n\t"                                                                          \
                         "stmia r12!, {r4, r5, r6, r7}\n\t"                                                            \
                         "ldmia r12, {r4, r5, r6, r7}\n\t"                                                             \
                         "add r4, r4, r8, asr #16\n\t"                                                                 \
                         "add r5, r5, r9, asr #16\n\t"                                                                 \
                         "add r6, r6, r10, asr #16\n\t"                                                                \
                         "add r7, r7, r11, asr #16\n\t"                                                                \
                         "stmia r12, {r4, r5, r6, r7}\n\t"                                                             \
                         "ldr r2, [sp, #4]\n\t"                                                                        \
                         "mov r7, #2\n\t"                                                                              \
                         "sub r12, r12, #16\n\t"                                                                       \
                         "cmp r1, r2\n\t"                                                                              \
                         "bne 2b\n\t"                                                                                  \
                         "add r12, r12, #32\n\t"                                                                       \
                         "ldr r3, [sp, #20]\n\t"                                                                       \
                         "subs r3, r3, #1\n\t"                                                                         \
                         "str r3, [sp, #20]\n\t"                                                                       \
                         "bne 1b\n\t"                                                                                  \
                         "mov r0, r1\n\t"                                                                              \
                         "add sp, sp, #20\n\t"                                                                         \
                         "pop {r3, r4, r5, r6, r7, r8, r9, r10, r11, pc}");                                            \
    }

#endif
