#include "eq/thumb.h"

#if defined(__thumb__)

#define EQ_STEP                                                                                                        \
    "ldrsb r6, [r5, r0]\n\t"                                                                                           \
    "ldrsb r7, [r1, r0]\n\t"                                                                                           \
    "muls r7, r6, r7\n\t"                                                                                              \
    "add r8, r7\n\t"                                                                                                   \
    "ldrsb r7, [r2, r0]\n\t"                                                                                           \
    "muls r7, r6, r7\n\t"                                                                                              \
    "add r9, r7\n\t"                                                                                                   \
    "ldrsb r7, [r3, r0]\n\t"                                                                                           \
    "muls r7, r6, r7\n\t"                                                                                              \
    "add r10, r7\n\t"                                                                                                  \
    "ldrsb r7, [r4, r0]\n\t"                                                                                           \
    "muls r7, r6, r7\n\t"                                                                                              \
    "add r11, r7\n\t"                                                                                                  \
    "adds r0, r0, #1\n\t"

/* r0 minus the values left, r1-r4 ends of the rows, r5 end of x, r6 value, r7 product, r8-r11 sums. */
__attribute__((naked)) void eq_thumb_four_rows(const int8_t *weights __attribute__((unused)),
                                               const int8_t *x __attribute__((unused)),
                                               int32_t k __attribute__((unused)), int32_t *sums __attribute__((unused)),
                                               int32_t step __attribute__((unused)))
{
    __asm__ volatile(".syntax unified\n\t"
                     "push {r3, r4, r5, r6, r7, lr}\n\t"
                     "mov r4, r8\n\t"
                     "mov r5, r9\n\t"
                     "mov r6, r10\n\t"
                     "mov r7, r11\n\t"
                     "push {r4, r5, r6, r7}\n\t"
                     "ldr r6, [sp, #40]\n\t"
                     "ldr r4, [r3, #0]\n\t"
                     "mov r8, r4\n\t"
                     "ldr r4, [r3, #4]\n\t"
                     "mov r9, r4\n\t"
                     "ldr r4, [r3, #8]\n\t"
                     "mov r10, r4\n\t"
                     "ldr r4, [r3, #12]\n\t"
                     "mov r11, r4\n\t"
                     "adds r5, r1, r2\n\t"
                     "adds r1, r0, r2\n\t"
                     "rsbs r0, r2, #0\n\t"
                     "adds r2, r1, r6\n\t"
                     "adds r3, r2, r6\n\t"
                     "adds r4, r3, r6\n"
                     "lsrs r7, r0, #1\n\t" /* an odd number of steps begins with the second */ "bcs 2f\n"
                     "1:\n\t" EQ_STEP "2:\n\t" EQ_STEP "bne 1b\n\t"
                     "ldr r0, [sp, #16]\n\t"
                     "mov r1, r8\n\t"
                     "mov r2, r9\n\t"
                     "mov r3, r10\n\t"
                     "mov r4, r11\n\t"
                     "stmia r0!, {r1, r2, r3, r4}\n\t"
                     "pop {r4, r5, r6, r7}\n\t"
                     "mov r8, r4\n\t"
                     "mov r9, r5\n\t"
                     "mov r10, r6\n\t"
                     "mov r11, r7\n\t"
                     "pop {r3, r4, r5, r6, r7, pc}");
}

#else

void eq_thumb_four_rows(const int8_t *weights, const int8_t *x, int32_t k, int32_t *sums, int32_t step)
{
    for (int32_t i = 0; i < 4; i++) {
        for (int32_t j = 0; j < k; j++) {
            sums[i] += weights[i * step + j] * x[j];
        }
    }
}

#endif
