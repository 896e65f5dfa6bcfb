/* The frame of micro-kernels in assembly: what a loop over pairs of output channels does around their steps. */
#ifndef EQ_DSP_GEMM_FRAME_H
#define EQ_DSP_GEMM_FRAME_H

#include "assembly.h"
#include "gemm.h"

/* Registers: r0 x, r1 weights, r7-r9 the first channel's accumulators for three pixels and r10-r12 the second's. */

/* op(accumulator, x) for the three accumulators of the first channel with a, and of the second with b. */
#define EQ_SIX(op, a, b) op("r7", a) op("r8", a) op("r9", a) op("r10", b) op("r11", b) op("r12", b)
#define EQ_HIGH(acc, c) "smmlar " acc ", " acc ", " c ", r4\n\t"
#define EQ_HIGH_DOUBLED(acc, c) "smmlar " acc ", " acc ", " c ", " acc "\n\t"
#define EQ_AWAY(acc, c) "add " acc ", " acc ", " acc ", asr #31\n\t"
#define EQ_DOWN(acc, c) "asr " acc ", " acc ", " c "\n\t"
#define EQ_ADD(acc, c) "add " acc ", " acc ", " c "\n\t"
#define EQ_NARROW(acc, c) "ssat " acc ", #8, " acc c "\n\t"

/* What makes outputs of accumulators; r4 is the zero-point's word. */
#define EQ_FINISH_FAST                                                                                                 \
    EQ_NEXT_TWO("r5", "r6", "r1") "ldmia sp, {r2-r4}\n\t" EQ_SIX(EQ_HIGH, "r5", "r6") EQ_SIX(EQ_NARROW, "", "")
/* From r2, the number of steps, to where the loop from label 2 to label 3, eight steps long, is to be entered: r2 - 1
 * modulo 8 steps before its end, or `behind` bytes from there, which is behind its branch, if there is but one. Uses
 * r4-r6. ADR counts from a multiple of four: the section has to begin at one too, which it does not with -Os. */
#define EQ_ENTRY(behind)                                                                                               \
    ".p2align 2\n\t"                                                                                                   \
    "adr" EQ_WIDE " r5, 2f\n\t"                                                                                        \
    "adr" EQ_WIDE " r6, 3f\n\t"                                                                                        \
    "sub r5, r6, r5\n\t"                                                                                               \
    "lsr r5, r5, #3\n\t"                                                                                               \
    "subs r2, r2, #2\n\t"                                                                                              \
    "and r4, r2, #7\n\t"                                                                                               \
    "add r4, r4, #1\n\t" EQ_MULTIPLY_AND_SUBTRACT("r4", "r4", "r5", "r6") /* steps back */                             \
        "it mi\n\t"                                                                                                    \
        "addmi r4, r6, #" behind "\n\t" EQ_TO_JUMP("r4")

/* On the stack: 0 out, 4 stride, 8 zero-point, 12 entry of the loop, 16 x, 20 where to look up, 24 end of the weights,
 * 28 whatever `ready` puts there. One looks up behind the last pair and, if channels are odd, behind the first.
 *
 * ready: is run once, with the end of x in lr. pair: makes r11 the bytes of a pair's weights from r8, k; `bytes` are
 * those of its other words. first, step: four values of k, the first of which begin the sums. until: compares what
 * tells the end of x. behind: bytes of that and of the branch after it. unmix, finish: make outputs of the sums. */
#define EQ_GEMM(ready, pair, until, behind, first, step, unmix, finish, bytes)                                         \
    "push {r4-r11, lr}\n\t"                                                                                            \
    "sub sp, sp, #32\n\t"                                                                                              \
    "strd r2, r3, [sp]\n\t"                                                                                            \
    "str r1, [sp, #16]\n\t"                                                                                            \
    "ldmia r0, {r7-r10}\n\t"              /* weights, k, out_c, zero_point */                                          \
    "lsr r2, r8, #2\n\t" EQ_ENTRY(behind) /* to r4 */                                                                  \
        EQ_TWO_TO_STACK("r10", "r4", "8") /* and the entry */                                                          \
        "add r11, r8, r8, lsl #1\n\t"                                                                                  \
        "add lr, r1, r11, lsl #1\n\t" ready pair /* to r11 */                                                          \
        "add r11, r11, #" bytes "\n\t"                                                                                 \
        "add r5, r9, #1\n\t"                                                                                           \
        "lsr r5, r5, #1\n\t"                                                                                           \
        "mla r6, r5, r11, r7\n\t"                                                                                      \
        "tst r9, #1\n\t"                                                                                               \
        "ite eq\n\t"                                                                                                   \
        "moveq r5, r6\n\t"                                                                                             \
        "addne r5, r7, r11\n\t" EQ_TWO_TO_STACK("r5", "r6", "20") /* where to look up, the end */                      \
        "mov r0, r1\n\t"                                                                                               \
        "mov r1, r7\n"                                                                                                 \
        "1:\n\t" first /* and on */                                                                                    \
        "ldr pc, [sp, #12]\n"                                                                                          \
        "2:\n\t" step step step step step step step step /* eight */                                                   \
        "3:\n\t" until                                   /* the end */                                                 \
        "bne" EQ_WIDE " 2b\n\t" unmix finish             /* and outputs */                                             \
        "strb r8, [r2, r3]\n\t"                                                                                        \
        "strb r9, [r2, r3, lsl #1]\n\t"                                                                                \
        "strb r7, [r2], #1\n\t"                                                                                        \
        "strb r11, [r2, r3]\n\t"                                                                                       \
        "strb r12, [r2, r3, lsl #1]\n\t"                                                                               \
        "strb r10, [r2], #1\n\t" EQ_TWO_FROM_STACK("r0", "r4", "16") /* x, where to look up */                         \
        "str r2, [sp]\n\t"                                                                                             \
        "cmp r1, r4\n\t"                                                                                               \
        "bne 1b\n\t"                                                                                                   \
        "ldr r3, [sp, #24]\n\t"                                                                                        \
        "cmp r1, r3\n\t"                                                                                               \
        "beq 5f\n\t"                                                                                                   \
        "sub r2, r2, #1\n\t"                                                                                           \
        "str r2, [sp]\n\t"                                                                                             \
        "str r3, [sp, #20]\n\t"                                                                                        \
        "b 1b\n"                                                                                                       \
        "5:\n\t"                                                                                                       \
        "add sp, sp, #32\n\t"                                                                                          \
        "pop {r4-r11, pc}"

#endif
