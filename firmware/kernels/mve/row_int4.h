/* A row times a matrix of weights of 4 bits, as in dense.h; as in gemm_int4.c weights are sixteen times themselves. */
#ifndef EQ_MVE_ROW_INT4_H
#define EQ_MVE_ROW_INT4_H

#include "eq/mve.h"

enum { GROUP = 6 };

/* A row of k values, and how many groups of channels are computed. */
typedef struct {
    const int8_t *x;
    int32_t k, groups;
} eq_row;

#if EQ_MVE_NATIVE

/* r0 row, r1 w, r3 to, r11 bias, r7 groups left, r5 the row's values; sums in r2, r4, r6, r8, r10, r12; q3 the mask. */
#define EQ_UNUSED __attribute__((unused))
#define EQ_PAIR(first, second)                                                                                         \
    "vldrb.8 q1, [r1], #16\n\t"                                                                                        \
    "vand q2, q1, q3\n\t"                                                                                              \
    "vshl.i8 q1, q1, #4\n\t"                                                                                           \
    "vmladava.s8 " second ", q0, q2\n\t"                                                                               \
    "vmladava.s8 " first ", q0, q1\n\t"
#define EQ_ADD_BIASES(first, second)                                                                                   \
    "ldrd r5, lr, [r11], #8\n\t"                                                                                       \
    "add " first ", r5, " first ", asr #4\n\t"                                                                         \
    "add " second ", lr, " second ", asr #4\n\t"                                                                       \
    "strd " first ", " second ", [r3], #8\n\t"

__attribute__((naked, noinline)) static void eq_multiply_row_int4(const eq_row *row EQ_UNUSED,
                                                                  const int8_t *w EQ_UNUSED,
                                                                  const int32_t *bias EQ_UNUSED, int32_t *to EQ_UNUSED)
{
    __asm__ volatile("push {r4-r11, lr}\n\t"
                     "mov r11, r2\n\t"
                     "mov r2, #0xf0\n\t"
                     "vdup.8 q3, r2\n\t"
                     "ldr r7, [r0, #8]\n"
                     "1:\n\t"
                     "ldrd r5, lr, [r0]\n\t"
                     "mov r2, #0\n\t"
                     "mov r4, #0\n\t"
                     "mov r6, #0\n\t"
                     "mov r8, #0\n\t"
                     "mov r10, #0\n\t"
                     "mov r12, #0\n\t"
                     "dlstp.8 lr, lr\n"
                     "2:\n\t"
                     "vldrb.8 q0, [r5], #16\n\t" EQ_PAIR("r2", "r4") EQ_PAIR("r6", "r8")
                         EQ_PAIR("r10", "r12") "letp lr, 2b\n\t" EQ_ADD_BIASES("r2", "r4") EQ_ADD_BIASES("r6", "r8")
                             EQ_ADD_BIASES("r10", "r12") "subs r7, r7, #1\n\t"
                                                         "bne 1b\n\t"
                                                         "pop {r4-r11, pc}");
}

#else

/* Sums of a row with as many channels as `groups` says. */
static void eq_multiply_row_int4(const eq_row *row, const int8_t *w, const int32_t *bias, int32_t *to)
{
    const int32_t channels = row->groups * GROUP, step = (row->k + 15) / 16 * 16 * (GROUP / 2);
    for (int32_t c = 0; c < channels; c++) {
        const int8_t *const own = w + c / GROUP * step + c % GROUP / 2 * 16;
        int32_t sum = 0;
        for (int32_t i = 0; i < row->k; i++) {
            const uint32_t both = (uint32_t)own[i / 16 * 16 * (GROUP / 2) + i % 16];
            sum += row->x[i] * (int8_t)(uint8_t)((c % 2 ? both : both << 4) & 0xf0U);
        }
        to[c] = bias[c] + (sum >> 4);
    }
}

#endif

#endif
