#include "finish.h"

#if EQ_MVE_NATIVE

#define UNUSED __attribute__((unused))

/* Four vectors of multipliers stay in q4 to q7. r4 step, r5 zero-point, r6 qmin, r12 qmax. */
__attribute__((naked, noinline)) void eq_finish_blocks_mve(const int32_t *sums UNUSED, const int32_t *multiplier UNUSED,
                                                           int8_t *out UNUSED, const eq_finish *f UNUSED)
{
#define NARROWED                                                                                                       \
    "vldrw.32 q0, [r0], #16\n\t"                                                                                       \
    "vldrw.32 q1, [r0], #16\n\t"                                                                                       \
    "vqrdmulh.s32 q0, q0, q4\n\t"                                                                                      \
    "vldrw.32 q2, [r0], #16\n\t"                                                                                       \
    "vqrdmulh.s32 q1, q1, q5\n\t"                                                                                      \
    "vldrw.32 q3, [r0], #16\n\t"                                                                                       \
    "vqrdmulh.s32 q2, q2, q6\n\t"                                                                                      \
    "vqmovnb.s32 q0, q0\n\t"                                                                                           \
    "vqrdmulh.s32 q3, q3, q7\n\t"                                                                                      \
    "vqmovnb.s32 q1, q1\n\t"                                                                                           \
    "vqmovnt.s32 q0, q2\n\t"                                                                                           \
    "vqmovnt.s32 q1, q3\n\t"                                                                                           \
    "vqadd.s16 q0, q0, r5\n\t"                                                                                         \
    "vqadd.s16 q1, q1, r5\n\t"                                                                                         \
    "vqmovnb.s16 q0, q0\n\t"                                                                                           \
    "vqmovnt.s16 q0, q1\n\t"
#define STORED                                                                                                         \
    "vpst\n\t"                                                                                                         \
    "vstrbt.8 q0, [r2]\n\t"                                                                                            \
    "add r2, r2, r4\n\t"                                                                                               \
    "le lr, 1b\n\t"
    __asm__ volatile("push {r4-r6, lr}\n\t"
                     "vpush {d8-d15}\n\t"
                     "ldrd lr, r4, [r3]\n\t"
                     "ldrd r12, r5, [r3, #8]\n\t"
                     "vctp.8 r12\n\t"
                     "ldrd r6, r12, [r3, #16]\n\t"
                     "vldrw.32 q4, [r1]\n\t"
                     "vldrw.32 q5, [r1, #16]\n\t"
                     "vldrw.32 q6, [r1, #32]\n\t"
                     "vldrw.32 q7, [r1, #48]\n\t"
                     "sub r3, r12, r6\n\t"
                     "cmp r3, #255\n\t"
                     "dls lr, lr\n\t"
                     "beq 3f\n"
                     "1:\n\t" NARROWED "vdup.8 q1, r6\n\t"
                     "vdup.8 q2, r12\n\t"
                     "vmax.s8 q0, q0, q1\n\t"
                     "vmin.s8 q0, q0, q2\n\t" STORED "b 2f\n"
                     "3:\n"
                     "1:\n\t" NARROWED STORED "2:\n\t"
                     "vpop {d8-d15}\n\t"
                     "pop {r4-r6, pc}");
#undef NARROWED
#undef STORED
}

/* r4 step, r5 zero-point, r6 how many channels are left, r7 pixels, r8 a group's first sum; q2, q3: qmin and qmax. */
__attribute__((naked, noinline)) void eq_finish_few_mve(const int32_t *sums UNUSED, const int32_t *multiplier UNUSED,
                                                        int8_t *out UNUSED, const eq_finish *f UNUSED)
{
    __asm__ volatile("push {r4-r9, lr}\n\t"
                     "ldrd r7, r4, [r3]\n\t"
                     "ldrd r6, r5, [r3, #8]\n\t"
                     "ldrd r8, r9, [r3, #16]\n\t"
                     "vdup.32 q2, r8\n\t"
                     "vdup.32 q3, r9\n"
                     "2:\n\t"
                     "mov r8, r0\n\t"
                     "mov r3, r2\n\t"
                     "vctp.32 r6\n\t"
                     "vldrw.32 q1, [r1], #16\n\t"
                     "dls lr, r7\n"
                     "1:\n\t"
                     "vldrw.32 q0, [r8]\n\t"
                     "add r8, r8, #64\n\t"
                     "vqrdmulh.s32 q0, q0, q1\n\t"
                     "vqadd.s32 q0, q0, r5\n\t"
                     "vmax.s32 q0, q0, q2\n\t"
                     "vmin.s32 q0, q0, q3\n\t"
                     "vpst\n\t"
                     "vstrbt.32 q0, [r3]\n\t"
                     "add r3, r3, r4\n\t"
                     "le lr, 1b\n\t"
                     "add r0, r0, #16\n\t"
                     "add r2, r2, #4\n\t"
                     "subs r6, r6, #4\n\t"
                     "bgt 2b\n\t"
                     "pop {r4-r9, pc}");
}

__attribute__((naked, noinline)) void eq_finish_row_mve(const int32_t *sums UNUSED, const int32_t *multiplier UNUSED,
                                                        int8_t *out UNUSED, const eq_finish *f UNUSED)
{
    __asm__ volatile("push {r4, lr}\n\t"
                     "ldrd lr, r4, [r3, #8]\n\t"
                     "ldrd r12, r3, [r3, #16]\n\t"
                     "vdup.32 q2, r12\n\t"
                     "vdup.32 q3, r3\n\t"
                     "dlstp.32 lr, lr\n"
                     "1:\n\t"
                     "vldrw.32 q0, [r0], #16\n\t"
                     "vldrw.32 q1, [r1], #16\n\t"
                     "vqrdmulh.s32 q0, q0, q1\n\t"
                     "vqadd.s32 q0, q0, r4\n\t"
                     "vmax.s32 q0, q0, q2\n\t"
                     "vmin.s32 q0, q0, q3\n\t"
                     "vstrb.32 q0, [r2], #4\n\t"
                     "letp lr, 1b\n\t"
                     "pop {r4, pc}");
}

#endif
