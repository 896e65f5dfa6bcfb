/* A row times a matrix of weights of 2 bits, or of 1, as in eq/fully_connected_mve.h. */
#ifndef EQ_MVE_ROW_NARROW_H
#define EQ_MVE_ROW_NARROW_H

#include "fields.h"

/* A row of k values, and how many groups of four channels are computed. */
typedef struct {
    const int8_t *x;
    int32_t k, groups;
} eq_row;

#if EQ_MVE_NATIVE

/* r0 row, r1 w, r2 to, r3 bytes from one group's sums to the next, r5 x, r7 groups left, r9 k; sums in r4, r6, r8, r10;
 * masks in q4-q7. */
#define EQ_UNUSED __attribute__((unused))
#define EQ_MASK(q, mask) "mov r4, #" mask "\n\tvdup.8 " q ", r4\n\t"
#define EQ_DEFINE_FOURS(name, a, b, c, d)                                                                              \
    __attribute__((naked, noinline)) static void name(const eq_row *row EQ_UNUSED, const int8_t *w EQ_UNUSED,          \
                                                      int32_t *to EQ_UNUSED, int32_t apart EQ_UNUSED)                  \
    {                                                                                                                  \
        __asm__ volatile("push {r3-r11, lr}\n\t"                                                                       \
                         "vpush {d8-d15}\n\t" EQ_MASK("q4", a) EQ_MASK("q5", b) EQ_MASK("q6", c)                       \
                             EQ_MASK("q7", d) "ldr r7, [r0, #8]\n"                                                     \
                                              "1:\n\t"                                                                 \
                                              "ldrd r5, r9, [r0]\n\t"                                                  \
                                              "mov r4, #0\n\t"                                                         \
                                              "mov r6, #0\n\t"                                                         \
                                              "mov r8, #0\n\t"                                                         \
                                              "mov r10, #0\n\t"                                                        \
                                              "dlstp.8 lr, r9\n"                                                       \
                                              "2:\n\t"                                                                 \
                                              "vldrb.8 q1, [r1], #16\n\t"                                              \
                                              "vldrb.8 q0, [r5], #16\n\t"                                              \
                                              "vand q2, q1, q4\n\t"                                                    \
                                              "vand q3, q1, q5\n\t"                                                    \
                                              "vmladava.s8 r4, q0, q2\n\t"                                             \
                                              "vand q2, q1, q6\n\t"                                                    \
                                              "vmladava.s8 r6, q0, q3\n\t"                                             \
                                              "vand q3, q1, q7\n\t"                                                    \
                                              "vmladava.s8 r8, q0, q2\n\t"                                             \
                                              "vmladava.s8 r10, q0, q3\n\t"                                            \
                                              "letp lr, 2b\n\t"                                                        \
                                              "strd r4, r6, [r2]\n\t"                                                  \
                                              "strd r8, r10, [r2, #8]\n\t"                                             \
                                              "add r2, r2, r3\n\t"                                                     \
                                              "subs r7, r7, #1\n\t"                                                    \
                                              "bne 1b\n\t"                                                             \
                                              "vpop {d8-d15}\n\t"                                                      \
                                              "pop {r3-r11, pc}");                                                     \
    }
EQ_DEFINE_FOURS(fours_int2, "0x03", "0x0c", "0x30", "0xc0")
EQ_DEFINE_FOURS(fours_low_bits, "0x01", "0x02", "0x04", "0x08")
EQ_DEFINE_FOURS(fours_high_bits, "0x10", "0x20", "0x40", "0x80")

#else

static void fours(const eq_row *row, const int8_t *w, int32_t *to, int32_t apart, uint32_t mask, int32_t bits)
{
    for (int32_t g = 0; g < row->groups; g++, w += (row->k + 15) / 16 * 16, to += apart / 4) {
        for (int32_t c = 0; c < 4; c++) {
            to[c] = 0;
            for (int32_t i = 0; i < row->k; i++) {
                to[c] += row->x[i] * eq_masked(w[i], mask << bits * c);
            }
        }
    }
}

static void fours_int2(const eq_row *row, const int8_t *w, int32_t *to, int32_t apart)
{
    fours(row, w, to, apart, 3, 2);
}

static void fours_low_bits(const eq_row *row, const int8_t *w, int32_t *to, int32_t apart)
{
    fours(row, w, to, apart, 1, 1);
}

static void fours_high_bits(const eq_row *row, const int8_t *w, int32_t *to, int32_t apart)
{
    fours(row, w, to, apart, 16, 1);
}

#endif

/* Sums of a row, whose own is `total`, with four channels after four. */
EQ_INLINE void eq_multiply_row_narrow(const eq_row *row, const int8_t *w, const int32_t *bias, int32_t *to,
                                      int32_t total, int32_t bits)
{
    if (bits == 2) {
        fours_int2(row, w, to, 16);
    } else {
        const eq_row low = {row->x, row->k, (row->groups + 1) / 2}, high = {row->x, row->k, row->groups / 2};
        fours_low_bits(&low, w, to, 32);
        if (high.groups > 0) {
            fours_high_bits(&high, w, to + 4, 32);
        }
    }
    for (int32_t c = 0; c < 4 * row->groups; c += 4) {
        const int32_t place = bits == 2 ? 0 : c % 8;
        eq_store_s32(to + c, eq_field_sums(eq_load_s32(to + c), eq_load_s32(bias + c), total, bits, place));
    }
}

#endif
