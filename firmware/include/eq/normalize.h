/* Normalization of int8 sets: the C twin of edgeq/numerics/normalization.py, bit for bit. */
#ifndef EQ_NORMALIZE_H
#define EQ_NORMALIZE_H

#include <stdint.h>

/* The input is (outer, middle, groups, inner); a set is everything with one outer index and one group. */
typedef struct {
    int32_t outer, middle, groups, inner;
    int32_t step;         /* 1: scale and offset are of groups x inner elements; 0: of one, for all */
    const int32_t *scale; /* per step of the output */
    const int32_t *offset;
    int32_t centred;                /* whether the mean is subtracted; else the zero-point is */
    int32_t zero_point;             /* the input's */
    int32_t epsilon, epsilon_shift; /* epsilon << epsilon_shift joins the spread */
    int32_t shift;                  /* of the spread before: to the left, or to the right if negative */
    int32_t greater;                /* whether the greater of both is taken; else their sum */
    int32_t exponent, fraction;     /* of results: see eq_normalized */
    int32_t qmin, qmax;
} eq_normalize_params;

/* How the elements of a set become results. */
typedef struct {
    int32_t factor, addend, shift;
} eq_normalizer;

/* floor(2^31 / sqrt(m)) for m in 2^20 ... 2^22 - 1 */
static inline int32_t eq_inverse_root(uint32_t m)
{
    /* A straight line, less than 9 % off; three steps of Newton and Raphson, which come from below; and the last bits.
     */
    uint32_t root = 2235564 - (((m >> 6) * 1245) >> 6);
    for (int32_t i = 0; i < 3; i++) {
        const uint64_t square = (uint64_t)root * root * m;
        root = (uint32_t)((root * (((UINT64_C(3) << 62) - square) >> 32)) >> 31);
    }
    while ((uint64_t)(root + 1) * (root + 1) * m <= UINT64_C(1) << 62) {
        root++;
    }
    return (int32_t)root;
}

/* For a set of which the elements have this sum, and their squares that one. */
static inline eq_normalizer eq_normalizer_of(const eq_normalize_params *p, int32_t sum, int64_t squares)
{
    const int32_t count = p->middle * p->inner;
    const int32_t total = p->centred ? sum : count * p->zero_point;
    const int64_t spread =
        p->centred ? count * squares - (int64_t)sum * sum
                   : count * (squares + p->zero_point * (count * (int64_t)p->zero_point - 2 * (int64_t)sum));
    const int64_t shifted = p->shift >= 0 ? spread << p->shift : spread >> -p->shift;
    const int64_t epsilon = (int64_t)p->epsilon << p->epsilon_shift;
    int64_t m = !p->greater ? shifted + epsilon : shifted > epsilon ? shifted : epsilon;
    int32_t exponent = p->exponent;
    m = m > 0 ? m : 1;
    for (; m >> 22; m >>= 2) {
        exponent++;
    }
    for (; !(m >> 20); m <<= 2) {
        exponent--;
    }
    const int64_t root = eq_inverse_root((uint32_t)m);
    int32_t bits = 0;
    while ((count - 1) >> bits) {
        bits++;
    }
    const int32_t mean = total / count, rest = total - mean * count;
    const int32_t factor = (int32_t)((4 * (int64_t)count * root) >> bits);
    const int32_t addend = -(int32_t)((4 * (int64_t)rest * root) >> bits) - mean * factor;
    const eq_normalizer n = {factor, addend, exponent < 0 ? 0 : exponent > 31 ? 31 : exponent};
    return n;
}

/* A result before it is clamped. */
static inline int32_t eq_normalized(eq_normalizer n, int32_t q, int32_t scale, int32_t offset, int32_t fraction)
{
    const int32_t high = (int32_t)(((int64_t)(q * n.factor + n.addend) * scale) >> 32);
    return ((high >> n.shift) + offset) >> fraction;
}

/* The output may be the input. */
void eq_normalize_ref(const eq_normalize_params *p, const int8_t *input, int8_t *output);

#endif
