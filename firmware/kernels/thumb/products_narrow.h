/* Four rows of weights of 2 bits, or of 1, times a row, on Armv6-M and Armv7-M. */
#ifndef EQ_THUMB_PRODUCTS_NARROW_H
#define EQ_THUMB_PRODUCTS_NARROW_H

#include "eq/thumb_inline.h"

/* Weights count from 0 up: of 2 bits 2 more than they are, of 1 bit 0 for -1, 1 for 1. A word has them for four rows
 * and four or eight inputs: of each half of it the lowest bits are a row at the first input, the next ones another row,
 * then come those of the second input; rows 0 and 1 stand in the lowest bits, 0 and 2 in the lower half. Two products
 * stand in each of 32 bits; sums of 64 or 128 inputs stay within 16. */
#define EQ_STEP(i)                                                                                                     \
    do {                                                                                                               \
        const uint32_t value = (uint32_t)x[i];                                                                         \
        const uint32_t low = word >> (2 * bits * (i)) & mask, high = word >> (2 * bits * (i) + bits) & mask;           \
        first += low * value;                                                                                          \
        second += high * value;                                                                                        \
    } while (0)

EQ_FLATTEN void products(const uint32_t *weights, const int8_t *x, int32_t k, int32_t *sums, int32_t bits)
{
    uint32_t mask = bits == 2 ? 0x00030003U : 0x00010001U;
    const int32_t per_word = 8 / bits;
#if defined(__thumb__)
    __asm__("" : "+r"(mask)); /* in a register: shifts are then a part of what masks */
#endif
    while (k > 0) {
        const int32_t some = k < 128 / bits ? k : 128 / bits;
        const int8_t *const end = x + some;
        uint32_t first = 1U << 15, second = 1U << 15;
        k -= some;
        for (; end - x >= per_word; x += per_word) {
            const uint32_t word = *weights++;
            EQ_STEP(0);
            EQ_STEP(1);
            EQ_STEP(2);
            EQ_STEP(3);
            if (bits == 1) {
                EQ_STEP(4);
                EQ_STEP(5);
                EQ_STEP(6);
                EQ_STEP(7);
            }
        }
        if (x != end) {
            for (uint32_t word = *weights; x != end; word >>= 2 * bits) {
                const uint32_t value = (uint32_t)*x++;
                first += (word & mask) * value;
                second += (word >> bits & mask) * value;
            }
        }
        sums[0] += (int32_t)(first & 0xffffU);
        sums[1] += (int32_t)first >> 16;
        sums[2] += (int32_t)(second & 0xffffU);
        sums[3] += (int32_t)second >> 16;
    }
}

#endif
