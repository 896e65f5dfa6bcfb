#include "eq/thumb.h"

#if defined(__thumb__)

/* r0 tile, r1 weights, r2 minus the weights left in the block, r3 weight, r4-r7 words, r8-r11 their sums, r12 sums.
 * On the stack: tile, four saved registers, channels left, saved registers. */
__attribute__((naked)) const int8_t *eq_thumb_gemm(const int32_t *tile __attribute__((unused)),
                                                   const int8_t *weights __attribute__((unused)),
                                                   int32_t *sums __attribute__((unused)),
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
                     "mov r12, r2\n"
                     "1:\n\t" /* a channel */
                     "ldr r0, [sp]\n\t"
                     "b 4f\n"
                     "2:\n\t" /* a block */
                     "movs r3, #128\n\t"
                     "lsls r3, r3, #8\n\t"
                     "mov r8, r3\n\t"
                     "mov r9, r3\n\t"
                     "mov r10, r3\n\t"
                     "mov r11, r3\n\t"
                     "adds r1, r1, r2\n\t"
                     "rsbs r2, r2, #0\n"
                     "3:\n\t" /* a step */
                     "ldrsb r3, [r1, r2]\n\t"
                     "ldmia r0!, {r4, r5, r6, r7}\n\t"
                     "muls r4, r3, r4\n\t"
                     "muls r5, r3, r5\n\t"
                     "muls r6, r3, r6\n\t"
                     "muls r7, r3, r7\n\t"
                     "add r8, r4\n\t"
                     "add r9, r5\n\t"
                     "add r10, r6\n\t"
                     "add r11, r7\n\t"
                     "adds r2, r2, #1\n\t"
                     "bne 3b\n\t"
                     "mov lr, r0\n\t"
                     "mov r0, r12\n\t"
                     "ldmia r0!, {r4, r5, r6, r7}\n\t"
                     "add r4, r8\n\t"
                     "add r5, r9\n\t"
                     "add r6, r10\n\t"
                     "add r7, r11\n\t"
                     "subs r0, r0, #16\n\t"
                     "stmia r0!, {r4, r5, r6, r7}\n\t"
                     "ldmia r0!, {r4, r5, r6, r7}\n\t"
                     "mov r2, r8\n\t"
                     "asrs r2, r2, #16\n\t"
                     "adds r4, r4, r2\n\t"
                     "mov r2, r9\n\t"
                     "asrs r2, r2, #16\n\t"
                     "adds r5, r5, r2\n\t"
                     "mov r2, r10\n\t"
                     "asrs r2, r2, #16\n\t"
                     "adds r6, r6, r2\n\t"
                     "mov r2, r11\n\t"
                     "asrs r2, r2, #16\n\t"
                     "adds r7, r7, r2\n\t"
                     "subs r0, r0, #16\n\t"
                     "stmia r0!, {r4, r5, r6, r7}\n\t"
                     "mov r0, lr\n"
                     "4:\n\t"
                     "ldrb r2, [r1]\n\t"
                     "adds r1, r1, #1\n\t"
                     "cmp r2, #0\n\t"
                     "bne 2b\n\t"
                     "mov r0, r12\n\t" /* the lower lane is the word without the upper one */
                     "ldmia r0!, {r4, r5, r6, r7}\n\t"
                     "ldr r2, [r0, #0]\n\t"
                     "lsls r2, r2, #16\n\t"
                     "subs r4, r4, r2\n\t"
                     "ldr r2, [r0, #4]\n\t"
                     "lsls r2, r2, #16\n\t"
                     "subs r5, r5, r2\n\t"
                     "ldr r2, [r0, #8]\n\t"
                     "lsls r2, r2, #16\n\t"
                     "subs r6, r6, r2\n\t"
                     "ldr r2, [r0, #12]\n\t"
                     "lsls r2, r2, #16\n\t"
                     "subs r7, r7, r2\n\t"
                     "subs r0, r0, #16\n\t"
                     "stmia r0!, {r4, r5, r6, r7}\n\t"
                     "adds r0, r0, #16\n\t"
                     "mov r12, r0\n\t"
                     "ldr r3, [sp, #20]\n\t"
                     "subs r3, r3, #1\n\t"
                     "str r3, [sp, #20]\n\t"
                     "bne 1b\n\t"
                     "mov r0, r1\n\t"
                     "add sp, sp, #4\n\t"
                     "pop {r4, r5, r6, r7}\n\t"
                     "mov r8, r4\n\t"
                     "mov r9, r5\n\t"
                     "mov r10, r6\n\t"
                     "mov r11, r7\n\t"
                     "pop {r3, r4, r5, r6, r7, pc}");
}

#else

const int8_t *eq_thumb_gemm(const int32_t *tile, const int8_t *weights, int32_t *sums, int32_t channels)
{
    for (int32_t c = 0; c < channels; c++, sums += 8) {
        const int32_t *x = tile;
        for (int32_t n = (uint8_t)*weights++; n != 0; n = (uint8_t)*weights++) {
            uint32_t lanes[4] = {1U << 15, 1U << 15, 1U << 15, 1U << 15};
            for (; n > 0; n--, x += 4, weights++) {
                for (int32_t q = 0; q < 4; q++) {
                    lanes[q] += (uint32_t)*weights * (uint32_t)x[q];
                }
            }
            for (int32_t q = 0; q < 4; q++) {
                sums[q] = (int32_t)((uint32_t)sums[q] + lanes[q]);
                sums[q + 4] += (int32_t)lanes[q] >> 16;
            }
        }
        for (int32_t q = 0; q < 4; q++) {
            sums[q] = (int32_t)((uint32_t)sums[q] - ((uint32_t)sums[q + 4] << 16));
        }
    }
    return weights;
}

#endif
