#include "eq/fully_connected_codes_dsp.h"

#include "assembly.h"
#include "requant.h"
#include "widen.h"

/* The pair of weights that each pair of codes stands for. */
static EQ_NOINLINE int32_t *pair_up(const int8_t *table, int32_t count, int32_t *to)
{
    for (int32_t second = 0; second < count; second++) {
        for (int32_t first = 0; first < count; first++) {
            *to++ = eq_pkhbt(table[first], table[second]);
        }
    }
    return to;
}

/* multiply_code4, multiply_code2: a widened row from x to end times the codes of four channels, added to their sums. */
#if EQ_ASSEMBLY && defined(__thumb__)

/* Registers: r0 pairs, r1 x, r2 its end, r3 weights, r4-r5 pairs of x, r6 and r12 words of codes, r7 weights, r8-r11
 * sums. */
#define EQ_PRODUCT(word, at, bits, x, sum)                                                                             \
    "ubfx r7, " word ", #" #at ", #" bits "\n\t"                                                                       \
    "ldr r7, [r0, r7, lsl #2]\n\t"                                                                                     \
    "smlad " sum ", r7, " x ", " sum "\n\t"
#define EQ_FOUR(word, a, b, c, d, bits, x)                                                                             \
    EQ_PRODUCT(word, a, bits, x, "r8")                                                                                 \
    EQ_PRODUCT(word, b, bits, x, "r9") EQ_PRODUCT(word, c, bits, x, "r10") EQ_PRODUCT(word, d, bits, x, "r11")
#define EQ_DEFINE(name, step)                                                                                          \
    __attribute__((naked)) static void multiply_##name(                                                                \
        const int32_t *pairs __attribute__((unused)), const int32_t *x __attribute__((unused)),                        \
        const int32_t *end __attribute__((unused)), const int32_t *weights __attribute__((unused)),                    \
        int32_t *sums __attribute__((unused)))                                                                         \
    {                                                                                                                  \
        __asm__("push {r4-r11, lr}\n\t"                                                                                \
                "ldr lr, [sp, #36]\n\t"                                                                                \
                "ldmia lr, {r8-r11}\n"                                                                                 \
                "1:\n\t"                                                                                               \
                "ldmia r1!, {r4, r5}\n\t" step "cmp r1, r2\n\t"                                                        \
                "bne.w 1b\n\t"                                                                                         \
                "stmia lr, {r8-r11}\n\t"                                                                               \
                "pop {r4-r11, pc}");                                                                                   \
    }
EQ_DEFINE(code4,
          "ldmia r3!, {r6, r12}\n\t" EQ_FOUR("r6", 0, 8, 16, 24, "8", "r4") EQ_FOUR("r12", 0, 8, 16, 24, "8", "r5"))
EQ_DEFINE(code2, "ldr r6, [r3], #4\n\t" EQ_FOUR("r6", 0, 4, 8, 12, "4", "r4") EQ_FOUR("r6", 16, 20, 24, 28, "4", "r5"))

#else

static void multiply(const int32_t *pairs, const int32_t *x, const int32_t *end, const int32_t *weights, int32_t *sums,
                     int32_t bits)
{
    const int32_t per_word = 16 / bits;
    for (int32_t i = 0; i < 4 * (int32_t)(end - x); i++) {
        const uint32_t place = (uint32_t)weights[i / per_word] >> (2 * bits * (i % per_word)) & ((1U << 2 * bits) - 1U);
        sums[i & 3] = eq_smlad(pairs[place], x[i >> 2], sums[i & 3]);
    }
}

static void multiply_code4(const int32_t *pairs, const int32_t *x, const int32_t *end, const int32_t *weights,
                           int32_t *sums)
{
    multiply(pairs, x, end, weights, sums, 4);
}

static void multiply_code2(const int32_t *pairs, const int32_t *x, const int32_t *end, const int32_t *weights,
                           int32_t *sums)
{
    multiply(pairs, x, end, weights, sums, 2);
}

#endif

typedef void multiply_of(const int32_t *pairs, const int32_t *x, const int32_t *end, const int32_t *weights,
                         int32_t *sums);

EQ_INLINE void fully_connected(const eq_fully_connected_codes_dsp_params *p, const int8_t *input, int8_t *output,
                               void *scratch, multiply_of *multiply_by, int32_t bits, int direct, eq_rounding rounding)
{
    const int32_t words = (p->in_c + 3) >> 2, zero_point = p->zero_point;
    const int32_t *const pairs = scratch;
    int32_t *const x = pair_up(p->table, 1 << bits, scratch);
    for (int32_t row = 0; row < p->rows; row++, input += p->in_c, output += p->out_c) {
        const int32_t *w = p->weights;
        (void)eq_dsp_widen_row(input, p->in_c, x, 4);
        for (int32_t next = 0; next < p->out_c; next += 4) {
            const int32_t first = next + 4 > p->out_c && p->out_c > 4 ? p->out_c - 4 : next;
            int32_t sums[4] = {w[0], w[1], w[2], w[3]};
            multiply_by(pairs, x, x + 2 * words, w + 4, sums);
            w += 4 + words * (bits >> 1);
            for (int32_t i = 0; i < 4 && first + i < p->out_c; i++) {
                const int32_t c = first + i;
                output[c] = direct ? (int8_t)eq_ssat8(eq_smmlar(sums[i], w[i], zero_point))
                                   : eq_dsp_requantize(sums[i], p->mantissa[c], p->shift[c], zero_point, p->qmin,
                                                       p->qmax, rounding);
            }
            w += direct ? 4 : 0;
        }
    }
}

#define DEFINE_CODE4(suffix, direct, rounding)                                                                         \
    void eq_fully_connected_code4_dsp_##suffix(const eq_fully_connected_codes_dsp_params *p, const int8_t *input,      \
                                               int8_t *output, void *scratch)                                          \
    {                                                                                                                  \
        fully_connected(p, input, output, scratch, multiply_code4, 4, direct, rounding);                               \
    }
#define DEFINE_CODE2(suffix, direct, rounding)                                                                         \
    void eq_fully_connected_code2_dsp_##suffix(const eq_fully_connected_codes_dsp_params *p, const int8_t *input,      \
                                               int8_t *output, void *scratch)                                          \
    {                                                                                                                  \
        fully_connected(p, input, output, scratch, multiply_code2, 2, direct, rounding);                               \
    }
#define DEFINE_ALL(define)                                                                                             \
    define(direct, 1, EQ_FAST) define(fast, 0, EQ_FAST) define(single, 0, EQ_SINGLE) define(double, 0, EQ_DOUBLE)
DEFINE_ALL(DEFINE_CODE4)
DEFINE_ALL(DEFINE_CODE2)
