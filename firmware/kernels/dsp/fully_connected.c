#include "eq/dsp.h"
#include "eq/fully_connected_dsp.h"
#include "products.h"
#include "requant.h"

/* Some fours of output channels. The row is read in turns of 32 values, then of four, then what is left of it. */
typedef struct {
    const int8_t *row;
    int8_t *out;
    int32_t zero_point;
    const int8_t *turns_end, *words_end;
    int8_t *out_end;
    const int8_t *rest; /* four values, of which those beyond the row have zero weights; or NULL */
    int32_t factor;     /* fours_*_shared: of all channels */
} task;

/* fours_mixed, fours_plain: as eq_fully_connected_dsp_params says; they return the end of the weights.
 * multiply: adds products of n values, n % 4 == 0 and n > 0, to four sums; plain weights; returns their end. */
#if EQ_DSP_NATIVE

/* Registers: r0 row, r1 weights, r2-r5 a word and its pairs, r6-r9 weights, r10-r12 and lr sums. */
#define EQ_MIXED(w, x, first, second)                                                                                  \
    "smlad " second ", " w ", " x ", " second "\n\t"                                                                   \
    "sxtb16 " w ", " w "\n\t"                                                                                          \
    "smlad " first ", " w ", " x ", " first "\n\t"

#define EQ_MIXED_STEP                                                                                                  \
    "ldr r2, [r0], #4\n\t"                                                                                             \
    "ldmia r1!, {r6-r9}\n\t"                                                                                           \
    "sxtb16 r3, r2, ror #8\n\t"                                                                                        \
    "sxtb16 r2, r2\n\t" EQ_MIXED("r6", "r2", "r10", "r11") EQ_MIXED("r7", "r2", "r12", "lr")                           \
        EQ_MIXED("r8", "r3", "r10", "r11") EQ_MIXED("r9", "r3", "r12", "lr")

#define EQ_PLAIN(w, x, first, second)                                                                                  \
    "sxtb16 r4, " w ", ror #8\n\t"                                                                                     \
    "sxtb16 " w ", " w "\n\t"                                                                                          \
    "smlad " second ", r4, " x ", " second "\n\t"                                                                      \
    "smlad " first ", " w ", " x ", " first "\n\t"

#define EQ_PLAIN_STEP                                                                                                  \
    "ldr r2, [r0], #4\n\t"                                                                                             \
    "ldmia r1!, {r6-r9}\n\t"                                                                                           \
    "sxtb16 r3, r2, ror #8\n\t"                                                                                        \
    "sxtb16 r2, r2\n\t" EQ_PLAIN("r6", "r2", "r10", "r11") EQ_PLAIN("r7", "r2", "r12", "lr")                           \
        EQ_PLAIN("r8", "r3", "r10", "r11") EQ_PLAIN("r9", "r3", "r12", "lr")

/* A weight of 4 bits in the highest bits of a half is 4096 times itself, as its sums are, which are shifted back to
 * twice themselves; r8 is the mask. */
#define EQ_INT4(w, shift, x, sum)                                                                                      \
    "and r4, r8, " w shift "\n\t"                                                                                      \
    "smlad " sum ", r4, " x ", " sum "\n\t"

#define EQ_INT4_STEP                                                                                                   \
    "ldr r2, [r0], #4\n\t"                                                                                             \
    "ldmia r1!, {r6, r7}\n\t"                                                                                          \
    "sxtb16 r3, r2, ror #8\n\t"                                                                                        \
    "sxtb16 r2, r2\n\t" EQ_INT4("r6", ", lsl #12", "r2", "r10") EQ_INT4("r6", ", lsl #8", "r2", "r11")                 \
        EQ_INT4("r7", ", lsl #12", "r2", "r12") EQ_INT4("r7", ", lsl #8", "r2", "lr")                                  \
            EQ_INT4("r6", ", lsl #4", "r3", "r10") EQ_INT4("r6", "", "r3", "r11")                                      \
                EQ_INT4("r7", ", lsl #4", "r3", "r12") EQ_INT4("r7", "", "r3", "lr")

#define EQ_INT4_FIRST                                                                                                  \
    "movs r2, #0\n\t"                                                                                                  \
    "mov r10, r2\n\t"                                                                                                  \
    "mov r11, r2\n\t"                                                                                                  \
    "mov r12, r2\n\t"                                                                                                  \
    "mov lr, r2\n\t"                                                                                                   \
    "mov r8, #0xf0000000\n\t"                                                                                          \
    "orr r8, r8, #0xf000\n\t"

#define EQ_INT4_SUMS                                                                                                   \
    "ldmia r1!, {r6-r9}\n\t"                                                                                           \
    "add r10, r6, r10, asr #11\n\t"                                                                                    \
    "add r11, r7, r11, asr #11\n\t"                                                                                    \
    "add r12, r8, r12, asr #11\n\t"                                                                                    \
    "add lr, r9, lr, asr #11\n\t"

#define EQ_BIASES "ldmia r1!, {r10-r12, lr}\n\t"

#define EQ_UNMIX                                                                                                       \
    "sub r11, r11, r10\n\t"                                                                                            \
    "sub lr, lr, r12\n\t"                                                                                              \
    "asr r11, r11, #8\n\t"                                                                                             \
    "asr lr, lr, #8\n\t"

/* The stack is a copy of *t, as it says. */
#define EQ_FOURS(first, step, unmix, factors, f0, f1, f2, f3)                                                          \
    "push {r4-r11, lr}\n\t"                                                                                            \
    "sub sp, sp, #32\n\t"                                                                                              \
    "ldmia r0, {r4-r11}\n\t"                                                                                           \
    "stmia sp, {r4-r11}\n\t"                                                                                           \
    "mov r0, r4\n"                                                                                                     \
    "1:\n\t" first /* the sums */                                                                                      \
    "ldr r5, [sp, #12]\n\t"                                                                                            \
    "cmp r0, r5\n\t"                                                                                                   \
    "beq 3f\n"                                                                                                         \
    "2:\n\t" step step step step step step step step "cmp r0, r5\n\t"                                                  \
    "bne 2b\n"                                                                                                         \
    "3:\n\t"                                                                                                           \
    "ldr r5, [sp, #16]\n\t"                                                                                            \
    "cmp r0, r5\n\t"                                                                                                   \
    "beq 5f\n"                                                                                                         \
    "4:\n\t" step "cmp r0, r5\n\t"                                                                                     \
    "bne 4b\n"                                                                                                         \
    "5:\n\t"                                                                                                           \
    "ldr r0, [sp, #24]\n\t"                                                                                            \
    "cmp r0, #0\n\t"                                                                                                   \
    "beq 6f\n\t" step "6:\n\t" unmix factors "ldmia sp, {r0, r2, r3}\n\t"                                              \
    "smmlar r10, r10, " f0 ", r3\n\t"                                                                                  \
    "smmlar r11, r11, " f1 ", r3\n\t"                                                                                  \
    "smmlar r12, r12, " f2 ", r3\n\t"                                                                                  \
    "smmlar lr, lr, " f3 ", r3\n\t"                                                                                    \
    "ssat r10, #8, r10\n\t"                                                                                            \
    "ssat r11, #8, r11\n\t"                                                                                            \
    "ssat r12, #8, r12\n\t"                                                                                            \
    "ssat lr, #8, lr\n\t"                                                                                              \
    "strb r10, [r2], #1\n\t"                                                                                           \
    "strb r11, [r2], #1\n\t"                                                                                           \
    "strb r12, [r2], #1\n\t"                                                                                           \
    "strb lr, [r2], #1\n\t"                                                                                            \
    "str r2, [sp, #4]\n\t"                                                                                             \
    "ldr r4, [sp, #20]\n\t"                                                                                            \
    "cmp r2, r4\n\t"                                                                                                   \
    "bne 1b\n\t"                                                                                                       \
    "mov r0, r1\n\t"                                                                                                   \
    "add sp, sp, #32\n\t"                                                                                              \
    "pop {r4-r11, pc}"

#define EQ_EXPANDED(macro, ...) macro(__VA_ARGS__)
#define EQ_DEFINE(name, ...)                                                                                           \
    __attribute__((naked)) static const int32_t *fours_##name(const task *t __attribute__((unused)),                   \
                                                              const int32_t *weights __attribute__((unused)))          \
    {                                                                                                                  \
        __asm__(EQ_EXPANDED(EQ_FOURS, __VA_ARGS__));                                                                   \
    }
#define EQ_FACTORS "ldmia r1!, {r6-r9}\n\t", "r6", "r7", "r8", "r9"
#define EQ_ONE_FACTOR "ldr r6, [sp, #28]\n\t", "r6", "r6", "r6", "r6"
EQ_DEFINE(mixed, EQ_BIASES, EQ_MIXED_STEP, EQ_UNMIX, EQ_FACTORS)
EQ_DEFINE(plain, EQ_BIASES, EQ_PLAIN_STEP, "", EQ_FACTORS)
EQ_DEFINE(mixed_shared, EQ_BIASES, EQ_MIXED_STEP, EQ_UNMIX, EQ_ONE_FACTOR)
EQ_DEFINE(plain_shared, EQ_BIASES, EQ_PLAIN_STEP, "", EQ_ONE_FACTOR)
EQ_DEFINE(int4, EQ_INT4_FIRST, EQ_INT4_STEP, EQ_INT4_SUMS, EQ_FACTORS)

__attribute__((naked)) static const int32_t *multiply(const int32_t *weights __attribute__((unused)),
                                                      const int8_t *row __attribute__((unused)),
                                                      int32_t n __attribute__((unused)),
                                                      int32_t *sums __attribute__((unused)))
{
    __asm__("push {r3-r11, lr}\n\t"
            "mov r4, r0\n\t"
            "mov r0, r1\n\t"
            "mov r1, r4\n\t"
            "add r5, r0, r2\n\t"
            "ldmia r3, {r10-r12, lr}\n"
            "1:\n\t" EQ_PLAIN_STEP "cmp r0, r5\n\t"
            "bne 1b\n\t"
            "ldr r3, [sp]\n\t"
            "stmia r3, {r10-r12, lr}\n\t"
            "mov r0, r1\n\t"
            "pop {r3-r11, pc}");
}

#else

static const int32_t *multiply(const int32_t *weights, const int8_t *row, int32_t n, int32_t *sums)
{
    return eq_dsp_products(weights, row, n, sums, 0);
}

static const int32_t *fours(const task *t, const int32_t *weights, int mixed, int shared)
{
    for (int8_t *out = t->out; out != t->out_end; out += 4) {
        int32_t sums[4] = {weights[0], weights[1], weights[2], weights[3]};
        weights = eq_dsp_products(weights + 4, t->row, (int32_t)(t->words_end - t->row), sums, mixed);
        weights = t->rest ? eq_dsp_products(weights, t->rest, 4, sums, mixed) : weights;
        for (int32_t j = 0; j < 4; j++) {
            const int32_t sum = mixed && j & 1 ? eq_wrap((int64_t)sums[j] - sums[j - 1]) >> 8 : sums[j];
            out[j] = (int8_t)eq_ssat8(eq_smmlar(sum, shared ? t->factor : weights[j], t->zero_point));
        }
        weights += shared ? 0 : 4;
    }
    return weights;
}

static const int32_t *fours_int4(const task *t, const int32_t *weights)
{
    for (int8_t *out = t->out; out != t->out_end; out += 4) {
        int32_t sums[4] = {0, 0, 0, 0};
        weights = eq_dsp_products_int4(weights, t->row, (int32_t)(t->words_end - t->row), sums);
        weights = t->rest ? eq_dsp_products_int4(weights, t->rest, 4, sums) : weights;
        for (int32_t j = 0; j < 4; j++) {
            const int32_t sum = (sums[j] >> 11) + weights[j];
            out[j] = (int8_t)eq_ssat8(eq_smmlar(sum, weights[4 + j], t->zero_point));
        }
        weights += 8;
    }
    return weights;
}

static const int32_t *fours_mixed(const task *t, const int32_t *weights)
{
    return fours(t, weights, 1, 0);
}

static const int32_t *fours_mixed_shared(const task *t, const int32_t *weights)
{
    return fours(t, weights, 1, 1);
}

static const int32_t *fours_plain(const task *t, const int32_t *weights)
{
    return fours(t, weights, 0, 0);
}

static const int32_t *fours_plain_shared(const task *t, const int32_t *weights)
{
    return fours(t, weights, 0, 1);
}

#endif

static void copy(int8_t *to, const int8_t *from, int32_t n)
{
    for (int32_t i = 0; i < n; i++) {
        to[i] = from[i];
    }
}

typedef const int32_t *fours_of(const task *t, const int32_t *weights);

static inline void fully_connected(const eq_fully_connected_dsp_params *p, const int8_t *input, int8_t *output,
                                   fours_of *compute)
{
    const int32_t words = p->in_c & ~3, bulk = p->out_c & ~3;
    int8_t rest[4] = {0, 0, 0, 0}, few[4];
    task t = {.row = input,
              .out = output,
              .zero_point = p->zero_point,
              .turns_end = input + (p->in_c & ~31),
              .words_end = input + words,
              .out_end = output + bulk,
              .rest = words < p->in_c ? rest : 0,
              .factor = p->mantissa ? p->mantissa[0] : 0};
    const int32_t *w = p->weights;
    copy(rest, input + words, p->in_c - words);
    if (bulk) {
        w = compute(&t, w);
    }
    if (bulk < p->out_c) {
        t.out = bulk ? output + p->out_c - 4 : few;
        t.out_end = t.out + 4;
        (void)compute(&t, w);
        copy(output, few, bulk ? 0 : p->out_c);
    }
}

void eq_fully_connected_dsp_mixed(const eq_fully_connected_dsp_params *p, const int8_t *input, int8_t *output)
{
    fully_connected(p, input, output, fours_mixed);
}

void eq_fully_connected_dsp_plain(const eq_fully_connected_dsp_params *p, const int8_t *input, int8_t *output)
{
    fully_connected(p, input, output, fours_plain);
}

void eq_fully_connected_dsp_mixed_shared(const eq_fully_connected_dsp_params *p, const int8_t *input, int8_t *output)
{
    fully_connected(p, input, output, fours_mixed_shared);
}

void eq_fully_connected_dsp_plain_shared(const eq_fully_connected_dsp_params *p, const int8_t *input, int8_t *output)
{
    fully_connected(p, input, output, fours_plain_shared);
}

void eq_fully_connected_dsp_int4(const eq_fully_connected_dsp_params *p, const int8_t *input, int8_t *output)
{
    fully_connected(p, input, output, fours_int4);
}

static inline void fully_connected_rounded(const eq_fully_connected_dsp_params *p, const int8_t *input, int8_t *output,
                                           eq_rounding rounding)
{
    const int32_t words = p->in_c & ~3;
    const int32_t *w = p->weights;
    int8_t rest[4] = {0, 0, 0, 0};
    copy(rest, input + words, p->in_c - words);
    for (int32_t next = 0; next < p->out_c; next += 4) {
        const int32_t first = next + 4 > p->out_c && p->out_c > 4 ? p->out_c - 4 : next;
        int32_t sums[4] = {w[0], w[1], w[2], w[3]};
        w += 4;
        if (words) {
            w = multiply(w, input, words, sums);
        }
        if (words < p->in_c) {
            w = multiply(w, rest, 4, sums);
        }
        for (int32_t c = first; c < first + 4 && c < p->out_c; c++) {
            const int32_t at = c & p->every;
            output[c] = eq_dsp_requantize(sums[c - first], p->mantissa[at], p->shift[at], p->zero_point, p->qmin,
                                          p->qmax, rounding);
        }
    }
}

#define DEFINE(suffix, rounding)                                                                                       \
    void eq_fully_connected_dsp_##suffix(const eq_fully_connected_dsp_params *p, const int8_t *input, int8_t *output)  \
    {                                                                                                                  \
        fully_connected_rounded(p, input, output, rounding);                                                           \
    }
EQ_FOR_EACH_ROUNDING(DEFINE)
