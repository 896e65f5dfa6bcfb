#include "rows.h"

#include "eq/dsp.h"

#if EQ_DSP_NATIVE

/* Registers: r0 row, r1 weights, r2-r3 pairs of a word, r4 task, r5 end, r6-r9 weights, r10-r12 and lr sums. */
#define EQ_MIXED(w, x, first, second)                                                                                  \
    "smlad " second ", " w ", " x ", " second "\n\t"                                                                   \
    "sxtb16 " w ", " w "\n\t"                                                                                          \
    "smlad " first ", " w ", " x ", " first "\n\t"

#define EQ_STEP                                                                                                        \
    "ldr r2, [r0], #4\n\t"                                                                                             \
    "ldmia r1!, {r6-r9}\n\t"                                                                                           \
    "sxtb16 r3, r2, ror #8\n\t"                                                                                        \
    "sxtb16 r2, r2\n\t" EQ_MIXED("r6", "r2", "r10", "r11") EQ_MIXED("r7", "r2", "r12", "lr")                           \
        EQ_MIXED("r8", "r3", "r10", "r11") EQ_MIXED("r9", "r3", "r12", "lr")

/* Where the row's begin, the end of its turns, its end, and where to put sums are in the task; `to`: which of them. */
#define EQ_ROW(begin, turns, end, sums, to)                                                                            \
    "ldmia r1!, {r10-r12, lr}\n\t"                                                                                     \
    "ldr r0, [r4, #" begin "]\n\t"                                                                                     \
    "ldr r5, [r4, #" turns "]\n\t"                                                                                     \
    "cmp r0, r5\n\t"                                                                                                   \
    "beq 2f\n"                                                                                                         \
    "1:\n\t" EQ_STEP EQ_STEP EQ_STEP EQ_STEP "cmp r0, r5\n\t"                                                          \
    "bne 1b\n"                                                                                                         \
    "2:\n\t"                                                                                                           \
    "ldr r5, [r4, #" end "]\n\t"                                                                                       \
    "cmp r0, r5\n\t"                                                                                                   \
    "beq 4f\n"                                                                                                         \
    "3:\n\t" EQ_STEP "cmp r0, r5\n\t"                                                                                  \
    "bne 3b\n"                                                                                                         \
    "4:\n\t"                                                                                                           \
    "ldr r2, [r4, #" sums "]\n\t"                                                                                      \
    "sub r11, r11, r10\n\t"                                                                                            \
    "sub lr, lr, r12\n\t"                                                                                              \
    "asr r11, r11, #8\n\t"                                                                                             \
    "asr lr, lr, #8\n\t"                                                                                               \
    "add r2, r2, #" to "\n\t"                                                                                          \
    "stmia r2, {r10-r12, lr}\n\t"

__attribute__((naked)) const int32_t *eq_dsp_multiply_two(const eq_dsp_two_rows *t __attribute__((unused)),
                                                          const int32_t *weights __attribute__((unused)))
{
    __asm__("push {r4-r11, lr}\n\t"
            "mov r4, r0\n\t" EQ_ROW("0", "4", "8", "24", "0") EQ_ROW("12", "16", "20", "24", "16") "mov r0, r1\n\t"
                                                                                                   "pop {r4-r11, pc}");
}

__attribute__((naked)) const int32_t *eq_dsp_multiply_one(const eq_dsp_one_row *t __attribute__((unused)),
                                                          const int32_t *weights __attribute__((unused)))
{
    __asm__("push {r4-r11, lr}\n\t"
            "mov r4, r0\n\t" EQ_ROW("0", "4", "8", "12", "0") "mov r0, r1\n\t"
                                                              "pop {r4-r11, pc}");
}

#else

static const int32_t *row_products(const int8_t *row, const int8_t *end, const int32_t *weights, int32_t *sums)
{
    memcpy(sums, weights, 4 * sizeof *sums);
    weights += 4;
    for (; row != end; row += 4, weights += 4) {
        const int32_t word = eq_load4(row);
        const int32_t pairs[2] = {eq_sxtb16(word), eq_sxtb16_ror8(word)};
        for (int32_t j = 0; j < 4; j++) {
            const int32_t w = weights[j], at = 2 * (j & 1);
            sums[at] = eq_smlad(eq_sxtb16(w), pairs[j >> 1], sums[at]);
            sums[at + 1] = eq_smlad(w, pairs[j >> 1], sums[at + 1]);
        }
    }
    for (int32_t j = 0; j < 4; j += 2) {
        sums[j + 1] = eq_wrap((int64_t)sums[j + 1] - sums[j]) >> 8;
    }
    return weights;
}

const int32_t *eq_dsp_multiply_two(const eq_dsp_two_rows *t, const int32_t *weights)
{
    weights = row_products(t->x.begin, t->x.end, weights, t->sums);
    return row_products(t->h.begin, t->h.end, weights, t->sums + 4);
}

const int32_t *eq_dsp_multiply_one(const eq_dsp_one_row *t, const int32_t *weights)
{
    return row_products(t->x.begin, t->x.end, weights, t->sums);
}

#endif
