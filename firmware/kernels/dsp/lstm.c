#include "eq/lstm_dsp.h"

#include <string.h>

#include "eq/dsp.h"
#include "eq/gates.h"
#include "eq/gemmlowp16.h"
#include "inline.h"
#include "requant.h"

/* The rows that one step multiplies with the weights: turns of 16 values, then of four. */
typedef struct {
    const int8_t *x, *x_turns_end, *x_end;
    const int8_t *h, *h_turns_end, *h_end;
    int32_t *sums; /* four of x, four of h */
} task;

/* products: the sums of one unit's gates; returns the end of its weights. */
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

/* `at`: where the row's begin, the end of its turns and its end are in the task; `to`: where its sums go. */
#define EQ_ROW(begin, turns, end, to)                                                                                  \
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
    "ldr r2, [r4, #24]\n\t"                                                                                            \
    "sub r11, r11, r10\n\t"                                                                                            \
    "sub lr, lr, r12\n\t"                                                                                              \
    "asr r11, r11, #8\n\t"                                                                                             \
    "asr lr, lr, #8\n\t"                                                                                               \
    "add r2, r2, #" to "\n\t"                                                                                          \
    "stmia r2, {r10-r12, lr}\n\t"

__attribute__((naked)) static const int32_t *products(const task *t __attribute__((unused)),
                                                      const int32_t *weights __attribute__((unused)))
{
    __asm__("push {r4-r11, lr}\n\t"
            "mov r4, r0\n\t" EQ_ROW("0", "4", "8", "0") EQ_ROW("12", "16", "20", "16") "mov r0, r1\n\t"
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

static const int32_t *products(const task *t, const int32_t *weights)
{
    weights = row_products(t->x, t->x_end, weights, t->sums);
    return row_products(t->h, t->h_end, weights, t->sums + 4);
}

#endif

EQ_INLINE int32_t left(int32_t x, int32_t shift)
{
    return (int32_t)((uint32_t)x << shift);
}

/* The pre-activation of a gate of a unit: eight factors at `mantissa` and `shift`. */
EQ_INLINE int32_t gate(const eq_lstm_dsp_params *p, const int32_t *sums, const int32_t *mantissa, const int8_t *shift,
                       int32_t k, eq_rounding rounding)
{
    if (rounding == EQ_FAST) {
        const int32_t given = eq_ssat16(eq_smmlar(left(sums[k], p->left), mantissa[k], 0));
        return eq_ssat16(eq_smmlar(left(sums[k + 4], p->recurrent_left), mantissa[k + 4], given));
    }
    const int32_t given = eq_add_scaled16(0, sums[k], mantissa[k], shift[k], rounding);
    return eq_add_scaled16(given, sums[k + 4], mantissa[k + 4], shift[k + 4], rounding);
}

EQ_INLINE int32_t sigmoid(const eq_lstm_dsp_params *p, int32_t x, eq_rounding rounding)
{
    return rounding == EQ_FAST ? eq_interpolate16(p->sigmoid, x) : eq_logistic16(x);
}

EQ_INLINE int32_t next_cell(const eq_lstm_dsp_params *p, int32_t cell, int32_t i, int32_t f, int32_t g,
                            eq_rounding rounding)
{
    int32_t next;
    if (rounding == EQ_FAST) {
        next = (f * cell + ((i * g) >> (15 - p->cell_bits)) + (1 << 14)) >> 15;
    } else {
        next = eq_rounding_divide_by_pot(f * cell, 15) + eq_rounding_divide_by_pot(i * g, 30 - p->cell_bits);
    }
    next = eq_ssat16(next);
    return p->cell_clip ? eq_clamp(next, -p->cell_clip, p->cell_clip) : next;
}

EQ_INLINE int8_t next_hidden(const eq_lstm_dsp_params *p, int32_t o, int32_t cell, eq_rounding rounding)
{
    if (rounding == EQ_FAST) {
        const int32_t both = (o * eq_interpolate16(p->cell_tanh, cell) + (1 << 14)) >> 15;
        return (int8_t)eq_ssat8(eq_smmlar(both, p->hidden_mantissa, p->hidden_zero_point));
    }
    const int32_t both = o * eq_tanh16(cell, 15 - p->cell_bits);
    return eq_dsp_requantize(both, p->hidden_mantissa, p->hidden_shift, p->hidden_zero_point, -128, 127, rounding);
}

static inline void step(const eq_lstm_dsp_params *p, const task *t, int8_t *made, int16_t *cell, eq_rounding rounding)
{
    const int32_t *weights = p->weights, *mantissa = p->mantissa;
    const int8_t *shift = p->shift;
    for (int32_t u = 0; u < p->units; u++, mantissa += 8) {
        weights = products(t, weights);
        const int32_t i = sigmoid(p, gate(p, t->sums, mantissa, shift, 0, rounding), rounding);
        const int32_t f = sigmoid(p, gate(p, t->sums, mantissa, shift, 1, rounding), rounding);
        const int32_t x_g = gate(p, t->sums, mantissa, shift, 2, rounding);
        const int32_t g = rounding == EQ_FAST ? eq_interpolate16(p->tanh, x_g) : eq_tanh16(x_g, 3);
        const int32_t o = sigmoid(p, gate(p, t->sums, mantissa, shift, 3, rounding), rounding);
        const int32_t c = next_cell(p, cell[u], i, f, g, rounding);
        cell[u] = (int16_t)c;
        made[u] = next_hidden(p, o, c, rounding);
        shift = rounding == EQ_FAST ? shift : shift + 8;
    }
}

static inline void lstm(const eq_lstm_dsp_params *p, const int8_t *const *inputs, int8_t *sequence, int8_t *hidden,
                        int16_t *cell, void *scratch, eq_rounding rounding)
{
    const int32_t units = p->units, in_c = p->in_c, wide = (units + 3) & ~3, depth = (in_c + 3) & ~3;
    int8_t *before = scratch, *after = before + wide, *const row = after + wide;
    int32_t sums[8];
    task t = {.sums = sums};
    const int8_t *x = *inputs++;
    const int8_t *first = p->initial_hidden ? p->initial_hidden : *inputs++;
    const void *const cells = p->initial_cell ? (const void *)p->initial_cell : (const void *)*inputs;
    memset(scratch, 0, (size_t)(2 * wide + depth));
    memcpy(cell, cells, (size_t)(p->batch * units) * sizeof *cell);
    for (int32_t b = 0; b < p->batch; b++) {
        memcpy(before, first, (size_t)units);
        for (int32_t k = 0; k < p->steps; k++) {
            const int32_t at = p->reverse ? p->steps - 1 - k : k;
            t.x = x + at * in_c;
            if (depth != in_c) {
                memcpy(row, t.x, (size_t)in_c);
                t.x = row;
            }
            t.x_end = t.x + depth;
            t.x_turns_end = t.x + (depth & ~15);
            t.h = before;
            t.h_end = before + wide;
            t.h_turns_end = before + (wide & ~15);
            step(p, &t, after, cell, rounding);
            memcpy(sequence + at * units, after, (size_t)units);
            int8_t *const old = before;
            before = after;
            after = old;
        }
        memcpy(hidden, before, (size_t)units);
        x += p->steps * in_c;
        first += units;
        sequence += p->steps * units;
        hidden += units;
        cell += units;
    }
}

#define DEFINE(suffix, rounding)                                                                                       \
    void eq_lstm_dsp_##suffix(const eq_lstm_dsp_params *p, const int8_t *const *inputs, int8_t *sequence,              \
                              int8_t *hidden, int16_t *cell, void *scratch)                                            \
    {                                                                                                                  \
        lstm(p, inputs, sequence, hidden, cell, scratch, rounding);                                                    \
    }
EQ_FOR_EACH_ROUNDING(DEFINE)
