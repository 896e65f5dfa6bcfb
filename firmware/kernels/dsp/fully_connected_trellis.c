#include "eq/fully_connected_trellis_dsp.h"

#include "assembly.h"
#include "requant.h"
#include "widen.h"

enum { PAIRS = 1024, STEP = 16 };

/* The pair of neighbouring weights that each five codes stand for. */
static EQ_NOINLINE int32_t *pair_up(const int8_t *table, int32_t *to)
{
    for (int32_t codes = 0; codes < PAIRS; codes++) {
        *to++ = eq_pkhbt(table[codes & 255], table[codes >> 2]);
    }
    return to;
}

/* A row as pairs of neighbours, zeros behind it. */
static EQ_NOINLINE void widen(const int8_t *from, int32_t n, int32_t *to, const int32_t *end)
{
    (void)eq_dsp_widen_row(from, n, to, STEP);
    for (; to != end; to += 2) {
        const int32_t even = to[0], odd = to[1];
        to[0] = eq_pkhbt(even, odd), to[1] = eq_pkhtb(even, odd);
    }
}

/* multiply: a widened row from x to end times the weights of two channels, added to their sums. */
#if EQ_ASSEMBLY && defined(__thumb__)

/* Registers: r0 pairs, r1 x, r2 its end, r3 weights, r4-r7 pairs of x, r8 and r9 sums, r10 and r11 words of codes, r12
 * and lr pairs of weights. */
#define EQ_TWO(word, a, b, x, y, sum)                                                                                  \
    "ubfx lr, " word ", #" #a ", #10\n\t"                                                                              \
    "ubfx r12, " word ", #" #b ", #10\n\t"                                                                             \
    "ldr lr, [r0, lr, lsl #2]\n\t"                                                                                     \
    "ldr r12, [r0, r12, lsl #2]\n\t"                                                                                   \
    "smlad " sum ", lr, " x ", " sum "\n\t"                                                                            \
    "smlad " sum ", r12, " y ", " sum "\n\t"
/* The next word of codes, and half of its pairs: the first two have codes of the word before. */
#define EQ_FOUR(word, sum)                                                                                             \
    "lsr r12, " word ", #16\n\t"                                                                                       \
    "ldr " word ", [r3], #4\n\t"                                                                                       \
    "orr r12, r12, " word ", lsl #16\n\t" EQ_TWO("r12", 10, 14, "r4", "r5", sum) EQ_TWO(word, 2, 6, "r6", "r7", sum)
#define EQ_REST(word, sum) EQ_TWO(word, 10, 14, "r4", "r5", sum) EQ_TWO(word, 18, 22, "r6", "r7", sum)
#define EQ_SIXTEEN                                                                                                     \
    "ldmia r1!, {r4-r7}\n\t" EQ_FOUR("r10", "r8") EQ_FOUR("r11", "r9") "ldmia r1!, {r4-r7}\n\t" EQ_REST("r10", "r8")   \
        EQ_REST("r11", "r9")

__attribute__((naked)) static void multiply(const int32_t *pairs __attribute__((unused)),
                                            const int32_t *x __attribute__((unused)),
                                            const int32_t *end __attribute__((unused)),
                                            const int32_t *weights __attribute__((unused)),
                                            int32_t *sums __attribute__((unused)))
{
    __asm__("push {r4-r11, lr}\n\t"
            "ldr lr, [sp, #36]\n\t"
            "ldrd r8, r9, [lr]\n\t"
            "mov r10, #0\n\t"
            "mov r11, #0\n"
            "1:\n\t" EQ_SIXTEEN "cmp r1, r2\n\t"
            "bne.w 1b\n\t"
            "ldr lr, [sp, #36]\n\t"
            "strd r8, r9, [lr]\n\t"
            "pop {r4-r11, pc}");
}

#else

static void multiply(const int32_t *pairs, const int32_t *x, const int32_t *end, const int32_t *weights, int32_t *sums)
{
    uint32_t before[2] = {0, 0};
    for (; x != end; x += STEP / 2, weights += 2) {
        for (int32_t channel = 0; channel < 2; channel++) {
            const uint32_t word = (uint32_t)weights[channel], first = word << 6 | before[channel] >> 26;
            for (int32_t i = 0; i < STEP / 2; i++) {
                const uint32_t codes = (i < 2 ? first >> 4 * i : word >> (4 * i - 6)) & (PAIRS - 1U);
                sums[channel] = eq_smlad(pairs[codes], x[i], sums[channel]);
            }
            before[channel] = word;
        }
    }
}

#endif

EQ_INLINE void fully_connected(const eq_fully_connected_trellis_dsp_params *p, const int8_t *input, int8_t *output,
                               void *scratch, int direct, eq_rounding rounding)
{
    const int32_t steps = (p->in_c + STEP - 1) / STEP, zero_point = p->zero_point;
    const int32_t *const pairs = scratch;
    int32_t *const x = pair_up(p->table, scratch);
    const int32_t *const end = x + STEP / 2 * steps;
    for (int32_t row = 0; row < p->rows; row++, input += p->in_c, output += p->out_c) {
        const int32_t *w = p->weights;
        widen(input, p->in_c, x, end);
        for (int32_t next = 0; next < p->out_c; next += 2) {
            const int32_t first = next + 2 > p->out_c && p->out_c > 2 ? p->out_c - 2 : next;
            int32_t sums[2] = {w[0], w[1]};
            multiply(pairs, x, end, w + 2, sums);
            w += 2 + 2 * steps;
            for (int32_t i = 0; i < 2 && first + i < p->out_c; i++) {
                const int32_t c = first + i;
                output[c] = direct ? (int8_t)eq_ssat8(eq_smmlar(sums[i], w[i], zero_point))
                                   : eq_dsp_requantize(sums[i], p->mantissa[c], p->shift[c], zero_point, p->qmin,
                                                       p->qmax, rounding);
            }
            w += direct ? 2 : 0;
        }
    }
}

#define DEFINE(suffix, direct, rounding)                                                                               \
    void eq_fully_connected_trellis_dsp_##suffix(const eq_fully_connected_trellis_dsp_params *p, const int8_t *input,  \
                                                 int8_t *output, void *scratch)                                        \
    {                                                                                                                  \
        fully_connected(p, input, output, scratch, direct, rounding);                                                  \
    }
DEFINE(direct, 1, EQ_FAST)
DEFINE(fast, 0, EQ_FAST)
DEFINE(single, 0, EQ_SINGLE)
DEFINE(double, 0, EQ_DOUBLE)
