/* eq/gemmlowp16.h with a table of exp, the same bits. */
#ifndef EQ_EXP16_TABLE_H
#define EQ_EXP16_TABLE_H

#include "eq/gemmlowp16.h"

/* Arguments have three integer bits here, and as many bits more as they need: 2^12 is 1. */
enum { EQ_QUARTER_BITS = 10 };

/* eq_multiply16, and a * 2^n, clamped to -32768 ... 32767 */
#if defined(__ARM_FEATURE_SAT) && __ARM_FEATURE_SAT
#define EQ_SATURATED_LEFT(name, n)                                                                                     \
    static inline int32_t name(int32_t a)                                                                              \
    {                                                                                                                  \
        int32_t r;                                                                                                     \
        __asm__("ssat %0, #16, %1, lsl #" #n : "=r"(r) : "r"(a));                                                      \
        return r;                                                                                                      \
    }
static inline int32_t eq_rounded16(int32_t a, int32_t b)
{
    int32_t r; /* compilers add the constant with an instruction of its own */
    __asm__("mla %0, %1, %2, %3" : "=r"(r) : "r"(a), "r"(b), "r"(1 << 14));
    return r >> 15;
}
#else
static inline int32_t eq_rounded16(int32_t a, int32_t b)
{
    return eq_multiply16(a, b);
}
#define EQ_SATURATED_LEFT(name, n)                                                                                     \
    static inline int32_t name(int32_t a)                                                                              \
    {                                                                                                                  \
        return eq_clamp(a * (1 << (n)), -32768, 32767);                                                                \
    }
#endif
EQ_SATURATED_LEFT(eq_saturated_times2, 1)
EQ_SATURATED_LEFT(eq_saturated_times4, 2)

/* exp(-x) without integer bits for x > 0. table: of exp at -1, -2, ... -2^10. */
static inline int32_t eq_table_exp16(const int16_t *table, int32_t x)
{
    const int32_t before = x - 1;
    int32_t result = table[before & ((1 << EQ_QUARTER_BITS) - 1)];
    const int32_t quarters = before >> EQ_QUARTER_BITS;
    result = quarters & 1 ? eq_rounded16(result, 25520) : result;
    result = quarters & 2 ? eq_rounded16(result, 19875) : result;
    result = quarters & 4 ? eq_rounded16(result, 12055) : result;
    if (quarters > 7) {
        result = quarters & 8 ? eq_rounded16(result, 4435) : result;
        result = quarters & 16 ? eq_rounded16(result, 600) : result;
        result = quarters & 32 ? eq_rounded16(result, 11) : result;
        result = quarters > 63 ? 0 : result;
    }
    return result;
}

/* eq_newton16, not in a loop. */
static inline int32_t eq_short_newton16(int32_t x)
{
    const int32_t half_denominator = (x + 32768) >> 1;
    int32_t y = 23130 + eq_rounded16(half_denominator, -15420);
    y += eq_saturated_times4(eq_rounded16(y, (1 << 13) - eq_rounded16(half_denominator, y)));
    y += eq_saturated_times4(eq_rounded16(y, (1 << 13) - eq_rounded16(half_denominator, y)));
    y += eq_saturated_times4(eq_rounded16(y, (1 << 13) - eq_rounded16(half_denominator, y)));
    return y;
}

static inline int32_t eq_table_logistic16(const int16_t *table, int32_t x)
{
    if (x == 0) {
        return 1 << 14;
    }
    const int32_t positive = eq_saturated_times2(eq_short_newton16(eq_table_exp16(table, x < 0 ? -x : x)));
    return x > 0 ? positive : 32767 - positive;
}

/* tanh(x) for an int16 with integer_bits in 2..6. */
static inline int32_t eq_table_tanh16(const int16_t *table, int32_t x, int32_t integer_bits)
{
    if (x == 0) {
        return 0;
    }
    const int32_t twice = (x < 0 ? -x : x) * (1 << (integer_bits - 2));
    const int32_t above = eq_saturated_times4(eq_short_newton16(eq_table_exp16(table, twice)) - (1 << 13));
    return x < 0 ? -above : above;
}

#endif
