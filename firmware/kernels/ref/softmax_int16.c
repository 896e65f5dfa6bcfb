#include "eq/softmax_int16.h"

static inline uint32_t exponential(const eq_softmax_int16_params *p, int32_t difference)
{
    return p->coarse[difference >> 8] * p->fine[difference & 255] >> p->less;
}

/* floor(a · 2^31 / b), bit by bit: compilers for small cores call a library that takes longer. */
static inline uint64_t quotient(uint32_t a, uint32_t b)
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

void eq_softmax_int16_ref(const eq_softmax_int16_params *p, const int16_t *input, int16_t *output)
{
    for (int32_t n = 0; n < p->rows; n++, input += p->columns, output += p->columns) {
        int32_t maximum = input[0];
        for (int32_t i = 1; i < p->columns; i++) {
            maximum = input[i] > maximum ? input[i] : maximum;
        }
        uint32_t sum = 0;
        for (int32_t i = 0; i < p->columns; i++) {
            sum += exponential(p, maximum - input[i]);
        }
        /* Below 2^61, and so is the product with any exponential. */
        const uint64_t half = (uint64_t)1 << (p->bits - 1);
        const uint64_t inverse = quotient((uint32_t)p->factor, sum);
        for (int32_t i = 0; i < p->columns; i++) {
            const uint64_t q = (exponential(p, maximum - input[i]) * inverse + half) >> p->bits;
            output[i] = (int16_t)(q < INT16_MAX ? q : INT16_MAX);
        }
    }
}
