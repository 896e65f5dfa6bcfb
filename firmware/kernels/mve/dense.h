/* A row times a matrix: the sums of six channels at once. `w` is as eq_fully_connected_mve_params says. */
#ifndef EQ_MVE_DENSE_H
#define EQ_MVE_DENSE_H

#include "eq/mve.h"

/* Channels are computed six at once. */
enum { BLOCK = 16, GROUP = 6 };

/* A row of k values, and how many groups of channels are computed. */
typedef struct {
    const int8_t *x;
    int32_t k, groups;
} eq_row;

#if EQ_MVE_NATIVE

/* r0 row, r1 w, r3 to, r11 bias, r7 groups left, r5 the row's values; sums in r2, r4, r6, r8, r10, r12. */
#define EQ_BEGIN                                                                                                       \
    "push {r4-r11, lr}\n\t"                                                                                            \
    "mov r11, r2\n\t"                                                                                                  \
    "ldr r7, [r0, #8]\n"                                                                                               \
    "1:\n\t"                                                                                                           \
    "ldrd r2, r4, [r11], #8\n\t"                                                                                       \
    "ldrd r6, r8, [r11], #8\n\t"                                                                                       \
    "ldrd r10, r12, [r11], #8\n\t"                                                                                     \
    "ldrd r5, lr, [r0]\n\t"
#define EQ_STEP                                                                                                        \
    "vldrb.8 q0, [r5], #16\n\t"                                                                                        \
    "vldrb.8 q1, [r1], #16\n\t"                                                                                        \
    "vldrb.8 q2, [r1], #16\n\t"                                                                                        \
    "vmladava.s8 r2, q0, q1\n\t"                                                                                       \
    "vldrb.8 q1, [r1], #16\n\t"                                                                                        \
    "vmladava.s8 r4, q0, q2\n\t"                                                                                       \
    "vldrb.8 q2, [r1], #16\n\t"                                                                                        \
    "vmladava.s8 r6, q0, q1\n\t"                                                                                       \
    "vldrb.8 q1, [r1], #16\n\t"                                                                                        \
    "vmladava.s8 r8, q0, q2\n\t"                                                                                       \
    "vldrb.8 q2, [r1], #16\n\t"                                                                                        \
    "vmladava.s8 r10, q0, q1\n\t"                                                                                      \
    "vmladava.s8 r12, q0, q2\n\t"
#define EQ_END                                                                                                         \
    "strd r2, r4, [r3], #8\n\t"                                                                                        \
    "strd r6, r8, [r3], #8\n\t"                                                                                        \
    "strd r10, r12, [r3], #8\n\t"                                                                                      \
    "subs r7, r7, #1\n\t"                                                                                              \
    "bne 1b\n\t"                                                                                                       \
    "pop {r4-r11, pc}"
#define EQ_UNUSED __attribute__((unused))

__attribute__((naked, noinline)) static void multiply_any(const eq_row *row EQ_UNUSED, const int8_t *w EQ_UNUSED,
                                                          const int32_t *bias EQ_UNUSED, int32_t *to EQ_UNUSED)
{
    __asm__ volatile(EQ_BEGIN "dlstp.8 lr, lr\n"
                              "2:\n\t" EQ_STEP "letp lr, 2b\n\t" EQ_END);
}

/* k is a multiple of 32. */
__attribute__((naked, noinline)) static void multiply_x32(const eq_row *row EQ_UNUSED, const int8_t *w EQ_UNUSED,
                                                          const int32_t *bias EQ_UNUSED, int32_t *to EQ_UNUSED)
{
    __asm__ volatile(EQ_BEGIN "lsr lr, lr, #5\n\t"
                              "dls lr, lr\n"
                              "2:\n\t" EQ_STEP EQ_STEP "le lr, 2b\n\t" EQ_END);
}

#else

static void multiply_any(const eq_row *row, const int8_t *w, const int32_t *bias, int32_t *to)
{
    const int32_t channels = row->groups * GROUP;
    const int32_t step = (row->k + BLOCK - 1) / BLOCK * BLOCK * GROUP;
    for (int32_t c = 0; c < channels; c++) {
        const int8_t *const own = w + c / GROUP * step + c % GROUP * BLOCK;
        to[c] = bias[c];
        for (int32_t i = 0; i < row->k; i++) {
            to[c] += row->x[i] * own[i / BLOCK * BLOCK * GROUP + i % BLOCK];
        }
    }
}

#define multiply_x32 multiply_any

#endif

/* Sums of a row with as many channels as `groups` says. */
EQ_INLINE void eq_multiply_row(const eq_row *row, const int8_t *w, const int32_t *bias, int32_t *to)
{
    if (row->k % 32 == 0) {
        multiply_x32(row, w, bias, to);
    } else {
        multiply_any(row, w, bias, to);
    }
}

#endif
