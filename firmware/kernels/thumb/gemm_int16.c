#include "eq/thumb_int16.h"

#if defined(__thumb__)

#define STEP                                                                                                           \
    "ldrsb r3, [r1, r2]\n\t"                                                                                           \
    "ldmia r0!, {r4, r5, r6, r7}\n\t"                                                                                  \
    "muls r4, r3, r4\n\t"                                                                                              \
    "muls r5, r3, r5\n\t"                                                                                              \
    "muls r6, r3, r6\n\t"                                                                                              \
    "muls r7, r3, r7\n\t"                                                                                              \
    "add r8, r4\n\t"                                                                                                   \
    "add r9, r5\n\t"                                                                                                   \
    "add r10, r6\n\t"                                                                                                  \
    "add r11, r7\n\t"                                                                                                  \
    "adds r2, r2, #1\n\t"

/* r0 tile, r1 end of the weights, r2 minus the steps left, r3 weight, r4-r7 words and products, r8-r11 sums, r12 where
 * they go. On the stack: tile, four saved registers, k, saved registers, channels left. */
__attribute__((naked)) const int8_t *eq_thumb_gemm_int16(const int32_t *tile __attribute__((unused)),
                                                         const int8_t *weights __attribute__((unused)),
                                                         int32_t *sums __attribute__((unused)),
                                                         int32_t k __attribute__((unused)),
                                                         int32_t channels __attribute__((unused)))
{
    __asm__ volatile(".syntax unified\n\t"
                     "push {r3, r4, r5, r6, r7, lr}\n\t"
                     "mov r4, r8\n\t"
                     "mov r5, r9\n\t"
                     "mov r6, r10\n\t"
                     "mov r7, r11\n\t"
                     "push {r4, r5, r6, r7}\n\t"
                     "push {r0}\n\t"
                     "mov r12, r2\n\t"
                     "1:\n\t" /* a channel */
                     "mov r2, r12\n\t"
                     "ldmia r2!, {r4, r5, r6, r7}\n\t"
                     "mov r8, r4\n\t"
                     "mov r9, r5\n\t"
                     "mov r10, r6\n\t"
                     "mov r11, r7\n\t"
                     "ldr r0, [sp, #0]\n\t"
                     "ldr r2, [sp, #20]\n\t"
                     "adds r1, r1, r2\n\t"
                     "rsbs r2, r2, #0\n\t"
                     "lsrs r3, r2, #1\n\t" /* an odd number of steps begins with the second */
                     "bcs 3f\n\t"
                     "2:\n\t" STEP "3:\n\t" STEP "bne 2b\n\t"
                     "mov r2, r12\n\t"
                     "mov r4, r8\n\t"
                     "mov r5, r9\n\t"
                     "mov r6, r10\n\t"
                     "mov r7, r11\n\t"
                     "stmia r2!, {r4, r5, r6, r7}\n\t"
                     "mov r12, r2\n\t"
                     "ldr r3, [sp, #44]\n\t"
                     "subs r3, r3, #1\n\t"
                     "str r3, [sp, #44]\n\t"
                     "bne 1b\n\t"
                     "movs r0, r1\n\t"
                     "add sp, sp, #4\n\t"
                     "pop {r4, r5, r6, r7}\n\t"
                     "mov r8, r4\n\t"
                     "mov r9, r5\n\t"
                     "mov r10, r6\n\t"
                     "mov r11, r7\n\t"
                     "pop {r3, r4, r5, r6, r7, pc}");
}

#else

const int8_t *eq_thumb_gemm_int16(const int32_t *tile, const int8_t *weights, int32_t *sums, int32_t k,
                                  int32_t channels)
{
    return eq_thumb_int16_products(tile, weights, sums, k, channels);
}

#endif
