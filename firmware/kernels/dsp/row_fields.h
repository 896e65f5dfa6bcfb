/* Assembly of a widened row times the weights of four channels, which are fields of words. */
#ifndef EQ_DSP_ROW_FIELDS_H
#define EQ_DSP_ROW_FIELDS_H

#include "assembly.h"
#include "fields.h"
#include "inline.h"

/* Adds to four sums: of every four values the pair (0, 2), then (1, 3). There are n pairs, n % 4 == 0 and n > 0. */
typedef void multiply_of(const int32_t *row, const int32_t *weights, int32_t n, int32_t *sums);

#if EQ_ASSEMBLY

/* Registers: r0 row, r1 weights, r2-r5 pairs, r6 and r8 weights, r7 the mask, r9 fields, r10-r12 and lr sums. On the
 * stack: 0 turns of two steps left, 4 sums. */
#define EQ_FIELD(word, shift, x, sum)                                                                                  \
    "and r9, r7, " word shift "\n\t"                                                                                   \
    "smlad " sum ", r9, " x ", " sum "\n\t"
#define EQ_FOUR(word, x, a, b, c, d)                                                                                   \
    EQ_FIELD(word, a, x, "r10") EQ_FIELD(word, b, x, "r11") EQ_FIELD(word, c, x, "r12") EQ_FIELD(word, d, x, "lr")
#define EQ_LEFT(n) ", lsl #" #n
#define EQ_RIGHT(n) ", lsr #" #n
#define EQ_INT2_WORD(word, even, odd)                                                                                  \
    EQ_FOUR(word, even, EQ_LEFT(1), EQ_RIGHT(1), EQ_RIGHT(3), EQ_RIGHT(5))                                             \
    EQ_FOUR(word, odd, EQ_RIGHT(7), EQ_RIGHT(9), EQ_RIGHT(11), EQ_RIGHT(13))
#define EQ_INT2_STEP                                                                                                   \
    "ldmia r0!, {r2-r5}\n\t"                                                                                           \
    "ldmia r1!, {r6, r8}\n\t" EQ_INT2_WORD("r6", "r2", "r3") EQ_INT2_WORD("r8", "r4", "r5")
#define EQ_BINARY_STEP                                                                                                 \
    "ldmia r0!, {r2-r5}\n\t"                                                                                           \
    "ldr r6, [r1], #4\n\t" EQ_FOUR("r6", "r2", EQ_LEFT(2), EQ_LEFT(1), "", EQ_RIGHT(1))                                \
        EQ_FOUR("r6", "r3", EQ_RIGHT(2), EQ_RIGHT(3), EQ_RIGHT(4), EQ_RIGHT(5))                                        \
            EQ_FOUR("r6", "r4", EQ_RIGHT(6), EQ_RIGHT(7), EQ_RIGHT(8), EQ_RIGHT(9))                                    \
                EQ_FOUR("r6", "r5", EQ_RIGHT(10), EQ_RIGHT(11), EQ_RIGHT(12), EQ_RIGHT(13))

#define EQ_DEFINE(name, mask, step)                                                                                    \
    __attribute__((naked)) static void multiply_##name(                                                                \
        const int32_t *row __attribute__((unused)), const int32_t *weights __attribute__((unused)),                    \
        int32_t n __attribute__((unused)), int32_t *sums __attribute__((unused)))                                      \
    {                                                                                                                  \
        __asm__("push {r2-r11, lr}\n\t"                                                                                \
                "ldmia r3, {r10-r12, lr}\n\t"                                                                          \
                "mov r7, #" mask "\n\torr r7, r7, r7, lsl #16\n\t"                                                     \
                "add r2, r2, #4\n\t"                                                                                   \
                "lsrs r2, r2, #3\n\t"                                                                                  \
                "str r2, [sp]\n\t"                                                                                     \
                "bcc" EQ_WIDE " 2f\n"                                                                                  \
                "1:\n\t" step "2:\n\t" step "ldr r2, [sp]\n\t"                                                         \
                "subs r2, r2, #1\n\t"                                                                                  \
                "str r2, [sp]\n\t"                                                                                     \
                "bne" EQ_WIDE " 1b\n\t"                                                                                \
                "ldr r3, [sp, #4]\n\t"                                                                                 \
                "stmia r3, {r10-r12, lr}\n\t"                                                                          \
                "pop {r2-r11, pc}");                                                                                   \
    }

#endif

#endif
