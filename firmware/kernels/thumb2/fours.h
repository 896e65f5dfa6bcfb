/* Four rows of a matrix times a vector: two products per multiplication. */
#ifndef EQ_THUMB2_FOURS_H
#define EQ_THUMB2_FOURS_H

#include <string.h>

#include "eq/thumb2.h"

#define CHUNK 256 /* products of a byte from 0 to 255 whose sum stays within 24 bits */
#define LANE 24   /* bits between the channels in a word of weights */
#define OUTER 0xff0000ffU

/* Sums of two channels each: of 0 and 3, of 2 and 1. */
typedef struct {
    int64_t outer, inner;
} four_sums;

static inline four_sums add_step(four_sums s, uint32_t word, int32_t x)
{
    s.outer += (int64_t)(int32_t)(word & OUTER) * x;
    s.inner += (int64_t)(int32_t)((word >> 16 | word << 16) & OUTER) * x;
    return s;
}

static inline uint32_t load_word(const int8_t *from)
{
    uint32_t word;
    memcpy(&word, from, sizeof word);
    return word;
}

static inline four_sums add_chunk(const int8_t *weights, const int8_t *x, int32_t count)
{
    const int8_t *const end = x + count;
    four_sums s = {0, 0};
#if EQ_THUMB2_NATIVE
#define STEP                                                                                                           \
    "ldr %[word], [%[w]], #4\n\t"                                                                                      \
    "ldrsb %[v], [%[x]], #1\n\t"                                                                                       \
    "and %[part], %[outer], %[word]\n\t"                                                                               \
    "smlal %Q[a], %R[a], %[part], %[v]\n\t"                                                                            \
    "and %[part], %[outer], %[word], ror #16\n\t"                                                                      \
    "smlal %Q[b], %R[b], %[part], %[v]\n\t"
    const int8_t *const bulk = x + (count & ~7);
    int32_t word, part, v;
    if (x != bulk) {
        __asm__ volatile("1:\n\t" STEP STEP STEP STEP STEP STEP STEP STEP "cmp %[x], %[bulk]\n\t"
                         "bne 1b"
                         : [a] "+r"(s.outer), [b] "+r"(s.inner), [w] "+r"(weights), [x] "+r"(x), [word] "=&r"(word),
                           [part] "=&r"(part), [v] "=&r"(v)
                         : [bulk] "r"(bulk), [outer] "r"(OUTER)
                         : "cc", "memory");
    }
#undef STEP
#endif
    for (; x != end; weights += 4) {
        s = add_step(s, load_word(weights), *x++);
    }
    return s;
}

/* Twice the sums of four channels, whose weights are as eq_fully_connected_thumb2 takes them. excess: what 128 more in
 * every weight of a channel adds. */
static inline void eq_thumb2_four_rows(const int8_t *weights, const int8_t *x, int32_t in_c, int32_t excess,
                                       int32_t *sums)
{
    sums[0] = sums[2] = -2 * excess;
    sums[1] = sums[3] = 0;
    while (in_c > 0) {
        const int32_t count = in_c < CHUNK ? in_c : CHUNK;
        const four_sums s = add_chunk(weights, x, count);
        sums[0] = eq_thumb2_lower(s.outer, LANE, sums[0]);
        sums[1] = eq_thumb2_upper(s.inner, LANE, sums[1]);
        sums[2] = eq_thumb2_lower(s.inner, LANE, sums[2]);
        sums[3] = eq_thumb2_upper(s.outer, LANE, sums[3]);
        weights += 4 * count;
        x += count;
        in_c -= count;
    }
}

#endif
