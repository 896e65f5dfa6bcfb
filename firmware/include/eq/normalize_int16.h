/* Normalization of int16 sets: the C twin of edgeq/numerics/normalization.py, bit for bit. */
#ifndef EQ_NORMALIZE_INT16_H
#define EQ_NORMALIZE_INT16_H

#include "eq/normalize.h"

/* As eq_normalize_params, for a zero-point of 0. */
typedef struct {
    int32_t outer, middle, groups, inner;
    int32_t step;
    const int32_t *scale, *offset;
    int32_t centred;
    int32_t epsilon, epsilon_shift, shift, greater;
    int32_t exponent;      /* of normalized elements */
    int32_t product_shift; /* of their products with the scale, to the right */
    int32_t fraction;      /* bits of the offset */
    int32_t qmin, qmax;
} eq_normalize_int16_params;

/* How the elements of a set are normalized. */
typedef struct {
    int32_t total, root, shift;
} eq_normalizer16;

static inline eq_normalizer16 eq_normalizer16_of(const eq_normalize_int16_params *p, int32_t sum, int64_t squares)
{
    const int64_t count = p->middle * p->inner;
    const int64_t spread = count * squares - (p->centred ? (int64_t)sum * sum : 0);
    const int64_t shifted = p->shift >= 0 ? spread << p->shift : spread >> -p->shift;
    const int64_t epsilon = (int64_t)p->epsilon << p->epsilon_shift;
    int64_t m = !p->greater ? shifted + epsilon : shifted > epsilon ? shifted : epsilon;
    int32_t shift = p->exponent;
    m = m > 0 ? m : 1;
    for (; m >> 30; m >>= 8) {
        shift += 4;
    }
    for (; m >> 22; m >>= 2) {
        shift++;
    }
    for (; !(m >> 20); m <<= 2) {
        shift--;
    }
    const eq_normalizer16 n = {p->centred ? sum : 0, eq_inverse_root((uint32_t)m), shift < 63 ? shift : 63};
    return n;
}

/* A set has at most 2^14 elements, so that the difference has 31 bits; what is normalized has as many. */
static inline int16_t eq_normalized16(const eq_normalize_int16_params *p, eq_normalizer16 n, int32_t count, int32_t q,
                                      int32_t at)
{
    const int64_t product = (int64_t)(count * q - n.total) * n.root;
    const int32_t z = (int32_t)(n.shift >= 0 ? product >> n.shift : product * ((int64_t)1 << -n.shift));
    const int64_t y = ((((int64_t)z * p->scale[at]) >> p->product_shift) + p->offset[at]) >> p->fraction;
    return (int16_t)(y < p->qmin ? p->qmin : y > p->qmax ? p->qmax : y);
}

/* The output may be the input. */
void eq_normalize_int16_ref(const eq_normalize_int16_params *p, const int16_t *input, int16_t *output);
/* product_shift is in 2 ... 31, offsets are within 2^29: what is beyond 2^30 is beyond all bounds. */
void eq_normalize_int16_thumb2(const eq_normalize_int16_params *p, const int16_t *input, int16_t *output);

#endif
