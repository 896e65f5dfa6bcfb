#include "eq/thumb_int4.h"

#if defined(__thumb__)

/* r0 weights, r1 end of x, r2 minus the values left, r3 mask, r4 word of weights, r5 value, r6 product, r7 and r10-r12
 * sums, r8 and r9 those of the block, lr its end. */
__attribute__((naked)) void eq_thumb_four_rows_int4(const uint32_t *weights __attribute__((unused)),
                                                    const int8_t *x __attribute__((unused)),
                                                    int32_t k __attribute__((unused)),
                                                    int32_t *sums __attribute__((unused)))
{
    __asm__ volatile(".syntax unified\n\t"
                     "push {r3, r4, r5, r6, r7, lr}\n\t"
                     "mov r4, r8\n\t"
                     "mov r5, r9\n\t"
                     "mov r6, r10\n\t"
                     "mov r7, r11\n\t"
                     "push {r4, r5, r6, r7}\n\t"
                     "ldmia r3!, {r4, r5, r6, r7}\n\t"
                     "mov r10, r5\n\t"
                     "mov r11, r6\n\t"
                     "mov r12, r7\n\t"
                     "movs r7, r4\n\t"
                     "adds r1, r1, r2\n\t"
                     "rsbs r2, r2, #0\n\t"
                     "movs r3, #15\n\t"
                     "lsls r4, r3, #16\n\t"
                     "orrs r3, r4\n\t"
                     "movs r6, #1\n\t"
                     "ands r6, r2\n\t"
                     "subs r5, r2, r6\n\t"
                     "adds r5, r5, #16\n\t"
                     "1:\n\t" /* a block; r6: whether the first word lacks its first step */
                     "cmp r5, #0\n\t"
                     "ble 2f\n\t"
                     "movs r5, #0\n\t"
                     "2:\n\t"
                     "mov lr, r5\n\t"
                     "movs r5, #128\n\t"
                     "lsls r5, r5, #8\n\t"
                     "mov r8, r5\n\t"
                     "mov r9, r5\n\t"
                     "cmp r6, #0\n\t"
                     "beq 3f\n\t"
                     "ldmia r0!, {r4}\n\t"
                     "b 4f\n\t"
                     "3:\n\t"
                     "ldmia r0!, {r4}\n\t"
                     "ldrsb r5, [r1, r2]\n\t"
                     "adds r2, r2, #1\n\t"
                     "movs r6, r3\n\t"
                     "ands r6, r4\n\t"
                     "muls r6, r5, r6\n\t"
                     "add r8, r6\n\t"
                     "lsrs r6, r4, #4\n\t"
                     "ands r6, r3\n\t"
                     "muls r6, r5, r6\n\t"
                     "add r9, r6\n\t"
                     "4:\n\t"
                     "ldrsb r5, [r1, r2]\n\t"
                     "adds r2, r2, #1\n\t"
                     "lsrs r6, r4, #8\n\t"
                     "ands r6, r3\n\t"
                     "muls r6, r5, r6\n\t"
                     "add r8, r6\n\t"
                     "lsrs r4, r4, #12\n\t"
                     "ands r4, r3\n\t"
                     "muls r4, r5, r4\n\t"
                     "add r9, r4\n\t"
                     "cmp r2, lr\n\t"
                     "bne 3b\n\t"
                     "mov r4, r8\n\t"
                     "uxth r5, r4\n\t"
                     "adds r7, r7, r5\n\t"
                     "asrs r4, r4, #16\n\t"
                     "add r10, r4\n\t"
                     "mov r4, r9\n\t"
                     "uxth r5, r4\n\t"
                     "add r11, r5\n\t"
                     "asrs r4, r4, #16\n\t"
                     "add r12, r4\n\t"
                     "movs r6, #0\n\t"
                     "movs r5, r2\n\t"
                     "adds r5, r5, #16\n\t"
                     "cmp r2, #0\n\t"
                     "bne 1b\n\t"
                     "ldr r0, [sp, #16]\n\t"
                     "mov r4, r7\n\t"
                     "mov r5, r10\n\t"
                     "mov r6, r11\n\t"
                     "mov r7, r12\n\t"
                     "stmia r0!, {r4, r5, r6, r7}\n\t"
                     "pop {r4, r5, r6, r7}\n\t"
                     "mov r8, r4\n\t"
                     "mov r9, r5\n\t"
                     "mov r10, r6\n\t"
                     "mov r11, r7\n\t"
                     "pop {r3, r4, r5, r6, r7, pc}");
}

#else

void eq_thumb_four_rows_int4(const uint32_t *weights, const int8_t *x, int32_t k, int32_t *sums)
{
    eq_thumb_int4_four_rows(weights, x, k, sums);
}

#endif
