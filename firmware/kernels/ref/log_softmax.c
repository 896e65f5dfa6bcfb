#include "eq/log_softmax.h"
#include "eq/gemmlowp.h"
#include "eq/rows.h"

/* ln(sum / 2^15) in 2^-15 steps of the output: octaves, and a line between two entries of the table. */
static inline uint32_t fast_log(const eq_log_softmax_fast_params *p, uint32_t sum)
{
    const int32_t octave = 31 - eq_leading_zeros((int32_t)sum);
    const uint32_t mantissa = (sum << (31 - octave)) - (1U << 31);
    const uint32_t index = mantissa >> 25, rest = (mantissa >> 9) & 0xffffU;
    const uint32_t low = (uint32_t)p->logarithms[index], high = (uint32_t)p->logarithms[index + 1];
    const uint32_t line = low + (uint32_t)(((uint64_t)(high - low) * rest) >> 16);
    return (uint32_t)(octave - 15) * (uint32_t)p->octave + line;
}

void eq_log_softmax_ref_fast(const eq_log_softmax_fast_params *p, const int8_t *input, int8_t *output)
{
    for (int32_t n = 0; n < p->rows; n++, input += p->columns, output += p->columns) {
        const int32_t maximum = eq_row_maximum(input, p->columns);
        const uint32_t log = fast_log(p, eq_sum_exponentials(p->exponentials, input, p->columns, maximum));
        for (int32_t i = 0; i < p->columns; i++) {
            const uint32_t below = ((uint32_t)(maximum - input[i]) * (uint32_t)p->step + log + (1U << 14)) >> 15;
            output[i] = (int8_t)eq_clamp(p->zero_point - (int32_t)below, -128, 127);
        }
    }
}

void eq_log_softmax_ref_double(const eq_log_softmax_double_params *p, const int8_t *input, int8_t *output)
{
    for (int32_t n = 0; n < p->rows; n++, input += p->columns, output += p->columns) {
        const int32_t maximum = eq_row_maximum(input, p->columns);
        const int32_t log = eq_log_from_one(eq_sum_exponentials_q31(p->exponentials, input, p->columns, maximum));
        const int32_t limit = eq_multiply(log + INT32_MIN, p->reverse_mantissa, p->reverse_shift, EQ_DOUBLE);
        const int32_t least = limit > p->least - 1 ? limit : p->least - 1;
        for (int32_t i = 0; i < p->columns; i++) {
            const int32_t difference = input[i] - maximum;
            int32_t q = -128;
            if (difference > least) {
                const int32_t scaled = eq_multiply(difference, p->mantissa, p->shift, EQ_DOUBLE) - log;
                q = eq_clamp(eq_rounding_divide_by_pot(scaled, 22) + 127, -128, 127);
            }
            output[i] = (int8_t)q;
        }
    }
}
