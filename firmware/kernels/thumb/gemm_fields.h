/* The micro-kernel of eq/thumb_int4.h for weights of 4, 2 bits and 1: what differs is how many steps a word has. */
#ifndef EQ_THUMB_GEMM_H
#define EQ_THUMB_GEMM_H

#include "eq/thumb_int4.h"

/* A step, 22 bytes of code; `take` moves its weight to the upper end of a word, `down` to the lower one. */
#define EQ_THUMB_STEP(take, down)                                                                                      \
    take "asrs r3, r3, #" down "\n\t"                                                                                  \
         "ldmia r0!, {r4, r5, r6, r7}\n\t"                                                                             \
         "muls r4, r3, r4\n\t"                                                                                         \
         "muls r5, r3, r5\n\t"                                                                                         \
         "muls r6, r3, r6\n\t"                                                                                         \
         "muls r7, r3, r7\n\t"                                                                                         \
         "add r8, r4\n\t"                                                                                              \
         "add r9, r5\n\t"                                                                                              \
         "add r10, r6\n\t"                                                                                             \
         "add r11, r7\n\t"
#define EQ_FROM(bit) "lsls r3, r2, #" bit "\n\t"
#define EQ_LAST "movs r3, r2\n\t"

/* r0 tile, r1 weights, r2 word of weights, r3 weight, r4-r7 words of the tile, r8-r11 their sums, r12 sums, lr end of
 * the block. On the stack: tile, end of the channel, bytes of a channel, of a block, bytes of code to skip, four saved
 * registers, channels left, saved registers. */
#define EQ_THUMB_GEMM(name, steps, again)                                                                              \
    __attribute__((naked)) const uint32_t *name(                                                                       \
        const int32_t *tile __attribute__((unused)), const uint32_t *weights __attribute__((unused)),                  \
        int32_t *sums __attribute__((unused)), int32_t channels __attribute__((unused)),                               \
        const eq_thumb_int4 *shape __attribute__((unused)))                                                            \
    {                                                                                                                  \
        __asm__ volatile(".syntax unified\n\t"                                                                         \
                         "push {r3, r4, r5, r6, r7, lr}\n\t"                                                           \
                         "mov r4, r8\n\t"                                                                              \
                         "mov r5, r9\n\t"                                                                              \
                         "mov r6, r10\n\t"                                                                             \
                         "mov r7, r11\n\t"                                                                             \
                         "push {r4, r5, r6, r7}\n\t"                                                                   \
                         "ldr r4, [sp, #40]\n\t"                                                                       \
                         "ldmia r4!, {r5, r6, r7}\n\t"                                                                 \
                         "lsls r5, r5, #2\n\t"                                                                         \
                         "lsls r6, r6, #2\n\t"                                                                         \
                         "movs r3, #22\n\t"                                                                            \
                         "muls r7, r3, r7\n\t"                                                                         \
                         "push {r0, r4, r5, r6, r7}\n\t"                                                               \
                         "mov r12, r2\n\t"                                                                             \
                         "1:\n\t" /* a channel */                                                                      \
                         "ldr r0, [sp, #0]\n\t"                                                                        \
                         "ldr r2, [sp, #8]\n\t"                                                                        \
                         "adds r2, r1, r2\n\t"                                                                         \
                         "str r2, [sp, #4]\n\t"                                                                        \
                         "ldr r7, [sp, #16]\n\t"                                                                       \
                         "2:\n\t" /* a block */                                                                        \
                         "ldr r3, [sp, #12]\n\t"                                                                       \
                         "adds r3, r1, r3\n\t"                                                                         \
                         "cmp r3, r2\n\t"                                                                              \
                         "bls 3f\n\t"                                                                                  \
                         "mov r3, r2\n\t"                                                                              \
                         "3:\n\t"                                                                                      \
                         "mov lr, r3\n\t"                                                                              \
                         "movs r3, #128\n\t"                                                                           \
                         "lsls r3, r3, #8\n\t"                                                                         \
                         "mov r8, r3\n\t"                                                                              \
                         "mov r9, r3\n\t"                                                                              \
                         "mov r10, r3\n\t"                                                                             \
                         "mov r11, r3\n\t"                                                                             \
                         "ldmia r1!, {r2}\n\t"                                                                         \
                         "add pc, r7\n\t"                                                                              \
                         "4:\n\t"                                                                                      \
                         "ldmia r1!, {r2}\n\t" steps "cmp r1, lr\n\t" again "mov lr, r0\n\t"                           \
                         "mov r0, r12\n\t"                                                                             \
                         "ldmia r0!, {r4, r5, r6, r7}\n\t"                                                             \
                         "mov r2, r8\n\t"                                                                              \
                         "uxth r2, r2\n\t"                                                                             \
                         "adds r4, r4, r2\n\t"                                                                         \
                         "mov r2, r9\n\t"                                                                              \
                         "uxth r2, r2\n\t"                                                                             \
                         "adds r5, r5, r2\n\t"                                                                         \
                         "mov r2, r10\n\t"                                                                             \
                         "uxth r2, r2\n\t"                                                                             \
                         "adds r6, r6, r2\n\t"                                                                         \
                         "mov r2, r11\n\t"                                                                             \
                         "uxth r2, r2\n\t"                                                                             \
                         "adds r7, r7, r2\n\t"                                                                         \
                         "subs r0, r0, #16\n\t"                                                                        \
                         "stmia r0!, {r4, r5, r6, r7}\n\t"                                                             \
                         "ldmia r0!, {r4, r5, r6, r7}\n\t"                                                             \
                         "mov r2, r8\n\t"                                                                              \
                         "asrs r2, r2, #16\n\t"                                                                        \
                         "adds r4, r4, r2\n\t"                                                                         \
                         "mov r2, r9\n\t"                                                                              \
                         "asrs r2, r2, #16\n\t"                                                                        \
                         "adds r5, r5, r2\n\t"                                                                         \
                         "mov r2, r10\n\t"                                                                             \
                         "asrs r2, r2, #16\n\t"                                                                        \
                         "adds r6, r6, r2\n\t"                                                                         \
                         "mov r2, r11\n\t"                                                                             \
                         "asrs r2, r2, #16\n\t"                                                                        \
                         "adds r7, r7, r2\n\t"                                                                         \
                         "subs r0, r0, #16\n\t"                                                                        \
                         "stmia r0!, {r4, r5, r6, r7}\n\t"                                                             \
                         "mov r0, lr\n\t"                                                                              \
                         "ldr r2, [sp, #4]\n\t"                                                                        \
                         "movs r7, #0\n\t"                                                                             \
                         "cmp r1, r2\n\t"                                                                              \
                         "beq 5f\n\t"                                                                                  \
                         "b 2b\n\t"                                                                                    \
                         "5:\n\t"                                                                                      \
                         "movs r3, #32\n\t"                                                                            \
                         "add r12, r3\n\t"                                                                             \
                         "ldr r3, [sp, #36]\n\t"                                                                       \
                         "subs r3, r3, #1\n\t"                                                                         \
                         "str r3, [sp, #36]\n\t"                                                                       \
                         "beq 6f\n\t"                                                                                  \
                         "b 1b\n\t"                                                                                    \
                         "6:\n\t"                                                                                      \
                         "movs r0, r1\n\t"                                                                             \
                         "add sp, sp, #20\n\t"                                                                         \
                         "pop {r4, r5, r6, r7}\n\t"                                                                    \
                         "mov r8, r4\n\t"                                                                              \
                         "mov r9, r5\n\t"                                                                              \
                         "mov r10, r6\n\t"                                                                             \
                         "mov r11, r7\n\t"                                                                             \
                         "pop {r3, r4, r5, r6, r7, pc}");                                                              \
    }

#endif
