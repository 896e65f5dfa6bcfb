#include "eq/softmax.h"
#include "eq/gemmlowp.h"
#include "eq/rows.h"

void eq_softmax_ref_fast(const eq_softmax_fast_params *p, const int8_t *input, int8_t *output)
{
    for (int32_t n = 0; n < p->rows; n++, input += p->columns, output += p->columns) {
        const int32_t maximum = eq_row_maximum(input, p->columns);
        const uint32_t sum = eq_sum_exponentials(p->exponentials, input, p->columns, maximum) << p->shift;
        for (int32_t i = 0; i < p->columns; i++) {
            const uint32_t e = p->exponentials[maximum - input[i]];
            const int32_t q = (int32_t)((e * (uint32_t)p->factor + (sum >> 1)) / sum);
            output[i] = (int8_t)eq_clamp(q + p->zero_point, -128, 127);
        }
    }
}

/* The elements of a row, with fraction bits of the output beside its least value. */
#define EQ_SOFTMAX_ROWS(element, bits, least, most)                                                                    \
    for (int32_t n = 0; n < p->rows; n++, input += p->columns, output += p->columns) {                                 \
        const int32_t maximum = eq_row_maximum(input, p->columns);                                                     \
        const int32_t sum = eq_sum_exponentials_q31(p->exponentials, input, p->columns, maximum);                      \
        int32_t above_one;                                                                                             \
        const int32_t scale = eq_reciprocal(sum, 12, &above_one);                                                      \
        const int32_t shift = above_one + 31 - bits < 31 ? above_one + 31 - bits : 31;                                 \
        for (int32_t i = 0; i < p->columns; i++) {                                                                     \
            const int32_t product = eq_doubling_high_multiply(scale, p->exponentials[maximum - input[i]]);             \
            output[i] = (element)eq_clamp(eq_rounding_divide_by_pot(product, shift) + least, least, most);             \
        }                                                                                                              \
    }

void eq_softmax_ref_double(const eq_softmax_double_params *p, const int8_t *input, int8_t *output)
{
    EQ_SOFTMAX_ROWS(int8_t, 8, -128, 127)
}

void eq_softmax_wide_ref(const eq_softmax_double_params *p, const int8_t *input, int16_t *output)
{
    EQ_SOFTMAX_ROWS(int16_t, 16, INT16_MIN, INT16_MAX)
}
