#include "eq/fully_connected_int4_thumb.h"
#include "eq/thumb.h"
#include "eq/thumb_four.h"
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

EQ_FLATTEN void fully_connected(const eq_fully_connected_int4_thumb_params *p, const int8_t *input, int8_t *output,
                                int32_t bits, eq_rounding rounding)
{
    const int direct = eq_thumb_is_direct(rounding, p->shift, p->out_c);
    const int32_t per_word = 8 / bits, words = (p->in_c + per_word - 1) / per_word;
    const int32_t excess = (p->in_c + 128 / bits - 1) / (128 / bits) * (1 << 15);
    for (int32_t row = 0; row < p->rows; row++, input += p->in_c, output += p->out_c) {
        const uint32_t *weights = p->weights;
        int32_t total = 0;
        for (int32_t k = 0; k < p->in_c; k++) {
            total += input[k];
        }
        for (int32_t c = 0; c < p->out_c; c += 4, weights += words) {
            const int32_t some = p->out_c - c < 4 ? p->out_c - c : 4;
            int32_t sums[4] = {-excess, 0, -excess, 0};
            products(weights, input, p->in_c, sums, bits);
            for (int32_t i = 0; i < some; i++) {
                sums[i] = p->bias[c + i] + (bits == 2 ? sums[i] - 2 * total : 2 * sums[i] - total);
            }
            EQ_THUMB_STORE_FOUR(p, sums, output, c, some, direct, rounding);
        }
    }
}

#define DEFINE_INT2(suffix, rounding)                                                                                  \
    void eq_fully_connected_int2_thumb_##suffix(const eq_fully_connected_int4_thumb_params *p, const int8_t *input,    \
                                                int8_t *output)                                                        \
    {                                                                                                                  \
        fully_connected(p, input, output, 2, rounding);                                                                \
    }
#define DEFINE_BINARY(suffix, rounding)                                                                                \
    void eq_fully_connected_binary_thumb_##suffix(const eq_fully_connected_int4_thumb_params *p, const int8_t *input,  \
                                                  int8_t *output)                                                      \
    {                                                                                                                  \
        fully_connected(p, input, output, 1, rounding);                                                                \
    }
EQ_FOR_EACH_ROUNDING(DEFINE_INT2)
EQ_FOR_EACH_ROUNDING(DEFINE_BINARY)
