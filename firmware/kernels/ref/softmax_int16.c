#include "eq/softmax_int16.h"
#include "eq/requant.h"

void eq_softmax_int16_ref(const eq_softmax_int16_params *p, const int16_t *input, int16_t *output)
{
    for (int32_t n = 0; n < p->rows; n++, input += p->columns, output += p->columns) {
        int32_t maximum = input[0];
        for (int32_t i = 1; i < p->columns; i++) {
            maximum = input[i] > maximum ? input[i] : maximum;
        }
        uint32_t sum = 0;
        for (int32_t i = 0; i < p->columns; i++) {
            sum += eq_exponential16(p, maximum - input[i]);
        }
        const uint64_t inverse = eq_quotient31((uint32_t)p->factor, sum);
        for (int32_t i = 0; i < p->columns; i++) {
            output[i] = eq_share16(p, eq_exponential16(p, maximum - input[i]), inverse);
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
