/* Assembly of one text for both states of the processor: Thumb-2 (Cortex-M) and ARM (Armv6), and where they differ.
 *
 * In ARM state LDRD and STRD take an even register and the next one only, and what is 32 bits in Thumb-2 only is
 * missing from Armv6: MOVW, MOVT, MLS, CBZ. IT means nothing there, addresses of code have no lowest bit set. */
#ifndef EQ_DSP_ASSEMBLY_H
#define EQ_DSP_ASSEMBLY_H

#include "eq/dsp.h"

#if EQ_DSP_NATIVE && (defined(__thumb2__) || !defined(__thumb__))
#define EQ_ASSEMBLY 1
#else
#define EQ_ASSEMBLY 0
#endif

#ifdef __thumb__

/* What code takes in one state and in the other. */
#define EQ_BYTES(thumb, arm) thumb
#define EQ_WIDE ".w"
/* Two words from where `from` points, which moves behind them; a is the lower register. */
#define EQ_NEXT_TWO(a, b, from) "ldrd " a ", " b ", [" from "], #8\n\t"
/* Two words on the stack, `at` bytes from its top. */
#define EQ_TWO_FROM_STACK(a, b, at) "ldrd " a ", " b ", [sp, #" at "]\n\t"
#define EQ_TWO_TO_STACK(a, b, at) "strd " a ", " b ", [sp, #" at "]\n\t"
/* to = c - a * b; to may be a. */
#define EQ_MULTIPLY_AND_SUBTRACT(to, a, b, c) "mls " to ", " a ", " b ", " c "\n\t"
/* Makes an address of code one to jump to. */
#define EQ_TO_JUMP(to) "orr " to ", " to ", #1\n\t"
/* Goes to a place further down if a low register is 0. */
#define EQ_BRANCH_IF_ZERO(low, to) "cbz " low ", " to "\n\t"
/* A half's bits 12 to 15, in both halves. */
#define EQ_HIGHEST_BITS(to) "movw " to ", #0xf000\n\tmovt " to ", #0xf000\n\t"

#else

#define EQ_BYTES(thumb, arm) arm
#define EQ_WIDE ""
#define EQ_NEXT_TWO(a, b, from) "ldmia " from "!, {" a ", " b "}\n\t"
#define EQ_TWO_FROM_STACK(a, b, at) "ldr " a ", [sp, #" at "]\n\tldr " b ", [sp, #" at " + 4]\n\t"
#define EQ_TWO_TO_STACK(a, b, at) "str " a ", [sp, #" at "]\n\tstr " b ", [sp, #" at " + 4]\n\t"
#define EQ_MULTIPLY_AND_SUBTRACT(to, a, b, c) "mul " to ", " b ", " a "\n\tsub " to ", " c ", " to "\n\t"
#define EQ_TO_JUMP(to) ""
#define EQ_BRANCH_IF_ZERO(low, to) "cmp " low ", #0\n\tbeq " to "\n\t"
#define EQ_HIGHEST_BITS(to) "mov " to ", #0xf0000000\n\torr " to ", " to ", #0xf000\n\t"

#endif

#endif
