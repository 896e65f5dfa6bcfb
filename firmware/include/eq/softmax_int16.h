/* Softmax of int16 rows: exp(x) / sum of exp(x). */
#ifndef EQ_SOFTMAX_INT16_H
#define EQ_SOFTMAX_INT16_H

#include <stdint.h>

typedef struct {
    int32_t rows, columns;
    /* exp(-d) of a difference d to a row's maximum is coarse[d / 256] · fine[d % 256], with 31 fraction bits. */
    const uint32_t *coarse; /* 16 fraction bits */
    const uint32_t *fine;   /* 15 fraction bits */
    int32_t less;           /* fraction bits that are cut off, for the sum of a row */
    int32_t factor, bits;   /* factor / 2^(bits - 31) is one over the output's scale */
} eq_softmax_int16_params;

/* As TensorFlow Lite has it: exponentials and the reciprocal of their sum have 15 fraction bits. */
typedef struct {
    int32_t rows, columns;
    const int16_t *exponentials; /* exp(x) at -10, -10 + 10/512, ..., 0 */
    const int16_t *reciprocals;  /* 1 / (1 + x) at 0, 1/512, ..., 1 */
    int32_t mantissa, shift;     /* from steps of the input to 10 / 65535 */
} eq_softmax_int16_double_params;

/* exp(-difference), with as many fraction bits as leave room for the sum of a row. */
static inline uint32_t eq_exponential16(const eq_softmax_int16_params *p, int32_t difference)
{
    return p->coarse[difference >> 8] * p->fine[difference & 255] >> p->less;
}

/* floor(a · 2^31 / b), a and b below 2^31. Compilers for small cores call a library that takes longer. */
#if defined(__thumb__) && !defined(__thumb2__)
/* Bit by bit. */
static inline uint64_t eq_quotient31(uint32_t a, uint32_t b)
{
    uint64_t found = a / b, rest = a % b;
    for (int32_t i = 0; i < 31; i++) {
        rest <<= 1;
        found <<= 1;
        if (rest >= b) {
            rest -= b;
            found |= 1;
        }
    }
    return found;
}
#else
/* 16 bits of the quotient of rest · 2^16 + next and b, rest < b; then `rest` is what is left. b >= 2^31 */
static inline uint32_t eq_next_digits(uint32_t *rest, uint32_t next, uint32_t b)
{
    const uint32_t upper = b >> 16, lower = b & 0xffffU;
    uint32_t digits = *rest / upper, left = *rest % upper;
    while (digits >> 16 || digits * lower > (left << 16 | next)) {
        digits--;
        left += upper;
        if (left >> 16) {
            break;
        }
    }
    *rest = (*rest << 16 | next) - digits * b; /* modulo 2^32 */
    return digits;
}

/* In digits of 16 bits, by divisions of 32. */
static inline uint64_t eq_quotient31(uint32_t a, uint32_t b)
{
    const uint32_t whole = (a >> 1) / b, above = (a >> 1) % b;
    uint32_t left = 0, divisor = b;
    for (; !(divisor >> 31); divisor <<= 1) {
        left++;
    }
    /* The rest of the first division, then half of a's lowest bit, all multiplied like b. */
    uint32_t rest = above << left | (left ? (a << 31) >> (32 - left) : 0);
    const uint32_t below = (a << 31) << left;
    const uint32_t high = eq_next_digits(&rest, below >> 16, divisor);
    return (uint64_t)whole << 32 | high << 16 | eq_next_digits(&rest, below & 0xffffU, divisor);
}
#endif

/* An exponential divided by the sum of its row: inverse = eq_quotient31(factor, sum), below 2^61, and so is the product
 * with any exponential. */
static inline int16_t eq_share16(const eq_softmax_int16_params *p, uint32_t exponential, uint64_t inverse)
{
    const uint64_t product = exponential * inverse;
    if (p->bits > 32) {
        const uint32_t q = ((uint32_t)(product >> 32) + (1U << (p->bits - 33))) >> (p->bits - 32);
        return (int16_t)(q < INT16_MAX ? q : INT16_MAX);
    }
    const uint64_t q = (product + ((uint64_t)1 << (p->bits - 1))) >> p->bits;
    return (int16_t)(q < INT16_MAX ? q : INT16_MAX);
}

/* The output may be the input. */
void eq_softmax_int16_ref(const eq_softmax_int16_params *p, const int16_t *input, int16_t *output);
void eq_softmax_int16_ref_double(const eq_softmax_int16_double_params *p, const int16_t *input, int16_t *output);
/* The same for Helium: rows of two elements or more, bits above 32. */
void eq_softmax_int16_mve(const eq_softmax_int16_params *p, const int16_t *input, int16_t *output);

#endif
