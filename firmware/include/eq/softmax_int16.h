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

/* floor(a · 2^31 / b), bit by bit: compilers for small cores call a library that takes longer. */
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

/* An exponential divided by the sum of its row: inverse = eq_quotient31(factor, sum), below 2^61, and so is the product
 * with any exponential. */
static inline int16_t eq_share16(const eq_softmax_int16_params *p, uint32_t exponential, uint64_t inverse)
{
    const uint64_t q = (exponential * inverse + ((uint64_t)1 << (p->bits - 1))) >> p->bits;
    return (int16_t)(q < INT16_MAX ? q : INT16_MAX);
}

/* The output may be the input. */
void eq_softmax_int16_ref(const eq_softmax_int16_params *p, const int16_t *input, int16_t *output);
void eq_softmax_int16_ref_double(const eq_softmax_int16_double_params *p, const int16_t *input, int16_t *output);

#endif
