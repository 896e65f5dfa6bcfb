/* How deep the stack gets: what is free of it is painted, and what lost its paint was used.
 *
 * Without a frame of their own, these functions see the stack pointer that the function sees which is called between
 * them. */
#include "eq_platform.h"

/* From the stack's end up to the stack pointer. */
__attribute__((naked)) void eq_platform_paint_stack(void)
{
    __asm__ volatile(".syntax unified\n\t"
                     "ldr r0, =eq_stack_limit\n\t"
                     "ldr r1, =0xa5c3965a\n\t"
                     "mov r2, sp\n"
                     "1:\n\t"
                     "str r1, [r0]\n\t"
                     "adds r0, #4\n\t"
                     "cmp r0, r2\n\t"
                     "blo 1b\n\t"
                     "bx lr\n\t"
                     ".ltorg");
}

/* The stack grows down: the lowest word without paint is the deepest one used. */
__attribute__((naked)) size_t eq_platform_stack_used(void)
{
    __asm__ volatile(".syntax unified\n\t"
                     "ldr r0, =eq_stack_limit\n\t"
                     "ldr r1, =0xa5c3965a\n\t"
                     "mov r2, sp\n"
                     "1:\n\t"
                     "ldr r3, [r0]\n\t"
                     "cmp r3, r1\n\t"
                     "bne 2f\n\t"
                     "adds r0, #4\n\t"
                     "cmp r0, r2\n\t"
                     "blo 1b\n"
                     "2:\n\t"
                     "subs r0, r2, r0\n\t"
                     "bx lr\n\t"
                     ".ltorg");
}
