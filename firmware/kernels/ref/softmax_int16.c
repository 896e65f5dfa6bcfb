#include "eq/softmax_int16.h"
#include "eq/requant.h"

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

/* A value of a curve of 512 steps at an int16. */
static inline int32_t interpolated(const int16_t *curve, int32_t x)
{
    const int16_t *entry = curve + ((x >> 7) + 256);
    return entry[0] + (((entry[1] - entry[0]) * (x & 127) + 64) >> 7);
}

/* Zeros before the first one of a positive number. */
static inline int32_t leading_zeros(uint32_t x)
{
    int32_t count = 0;
    for (; !(x >> 31); x <<= 1) {
        count++;
    }
    return count;
}

void eq_softmax_int16_ref_double(const eq_softmax_int16_double_params *p, const int16_t *input, int16_t *output)
{
    for (int32_t n = 0; n < p->rows; n++, input += p->columns, output += p->columns) {
        int32_t maximum = input[0];
        for (int32_t i = 1; i < p->columns; i++) {
            maximum = input[i] > maximum ? input[i] : maximum;
        }
        int32_t sum = 0;
        for (int32_t i = 0; i < p->columns; i++) {
            const int32_t scaled = eq_multiply(input[i] - maximum, p->mantissa, p->shift, EQ_DOUBLE);
            output[i] = (int16_t)interpolated(p->exponentials, scaled < -65535 ? INT16_MIN : INT16_MAX + scaled);
            sum += output[i];
        }
        const int32_t zeros = leading_zeros((uint32_t)sum);
        const int32_t shifted = (int32_t)((((int64_t)sum << (zeros - 1)) + (1 << 13)) >> 14);
        const int32_t part = eq_clamp(shifted - (1 << 15) - (1 << 16), INT16_MIN, INT16_MAX);
        const int32_t inverse = interpolated(p->reciprocals, part), right = 31 - zeros;
        for (int32_t i = 0; i < p->columns; i++) {
            output[i] = (int16_t)eq_clamp((output[i] * inverse + (1 << (right - 1))) >> right, 0, INT16_MAX);
        }
    }
}
