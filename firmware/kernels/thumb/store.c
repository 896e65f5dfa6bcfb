#include "eq/thumb.h"

#if defined(__thumb__)

/* r0 sums, r1 output, r2-r4 parts of the product, r5 lower half of the mantissa, r6 upper half, r7 twice that,
 * r8 rounding, r9 and r10 bounds, r11 step, r12 end of the channel's sums, lr mantissas.
 * On the stack: output of the channel, bytes of its sums, bytes to the next channel's, four and five saved registers,
 * channels left. */
__attribute__((naked)) void eq_thumb_store(const eq_thumb_outputs *task __attribute__((unused)),
                                           const int32_t *sums __attribute__((unused)),
                                           const int32_t *mantissa __attribute__((unused)),
                                           int8_t *output __attribute__((unused)),
                                           int32_t channels __attribute__((unused)))
{
    __asm__ volatile(".syntax unified\n\t"
                     "push {r4, r5, r6, r7, lr}\n\t"
                     "mov r4, r8\n\t"
                     "mov r5, r9\n\t"
                     "mov r6, r10\n\t"
                     "mov r7, r11\n\t"
                     "push {r4, r5, r6, r7}\n\t"
                     "mov lr, r2\n\t"
                     "ldmia r0!, {r2, r4, r5, r6, r7}\n\t"
                     "mov r11, r2\n\t"
                     "mov r8, r5\n\t"
                     "mov r9, r6\n\t"
                     "mov r10, r7\n\t"
                     "ldr r5, [r0]\n\t"
                     "lsls r4, r4, #2\n\t"
                     "subs r5, r5, r4\n\t"
                     "push {r3, r4, r5}\n\t"
                     "mov r0, r1\n"
                     "1:\n\t" /* a channel */
                     "mov r2, lr\n\t"
                     "ldmia r2!, {r6}\n\t"
                     "mov lr, r2\n\t"
                     "uxth r5, r6\n\t"
                     "asrs r6, r6, #16\n\t"
                     "lsls r7, r6, #1\n\t"
                     "ldr r1, [sp, #0]\n\t"
                     "adds r3, r1, #1\n\t"
                     "str r3, [sp, #0]\n\t"
                     "ldr r3, [sp, #4]\n\t"
                     "adds r3, r0, r3\n\t"
                     "mov r12, r3\n"
                     "2:\n\t" /* an output */
                     "ldmia r0!, {r2}\n\t"
                     "sxth r3, r2\n\t"
                     "subs r4, r2, r3\n\t"
                     "asrs r4, r4, #16\n\t"
                     "movs r2, r3\n\t"
                     "muls r2, r5, r2\n\t"
                     "asrs r2, r2, #16\n\t"
                     "muls r3, r6, r3\n\t"
                     "adds r2, r2, r3\n\t"
                     "movs r3, r4\n\t"
                     "muls r3, r5, r3\n\t"
                     "adds r2, r2, r3\n\t"
                     "add r2, r8\n\t"
                     "asrs r2, r2, #15\n\t"
                     "muls r4, r7, r4\n\t"
                     "adds r2, r2, r4\n\t"
                     "cmp r2, r9\n\t"
                     "bge 3f\n\t"
                     "mov r2, r9\n"
                     "3:\n\t"
                     "cmp r2, r10\n\t"
                     "ble 4f\n\t"
                     "mov r2, r10\n"
                     "4:\n\t"
                     "strb r2, [r1]\n\t"
                     "add r1, r11\n\t"
                     "cmp r0, r12\n\t"
                     "bne 2b\n\t"
                     "ldr r3, [sp, #8]\n\t"
                     "adds r0, r0, r3\n\t"
                     "ldr r3, [sp, #48]\n\t"
                     "subs r3, r3, #1\n\t"
                     "str r3, [sp, #48]\n\t"
                     "bne 1b\n\t"
                     "add sp, sp, #12\n\t"
                     "pop {r4, r5, r6, r7}\n\t"
                     "mov r8, r4\n\t"
                     "mov r9, r5\n\t"
                     "mov r10, r6\n\t"
                     "mov r11, r7\n\t"
                     "pop {r4, r5, r6, r7, pc}");
}

#else

void eq_thumb_store(const eq_thumb_outputs *task, const int32_t *sums, const int32_t *mantissa, int8_t *output,
                    int32_t channels)
{
    for (int32_t c = 0; c < channels; c++, sums += task->pitch / 4) {
        for (int32_t i = 0; i < task->count; i++) {
            const int32_t scaled = eq_thumb_scale(sums[i], mantissa[c], task->rounding);
            output[c + i * task->step] = (int8_t)eq_clamp(scaled, task->qmin, task->qmax);
        }
    }
}

#endif
