#include "eq/stored_l2_norm.h"

#include "eq/gemmlowp.h"
#include "eq/requant.h"

void eq_stored_l2_norm_ref(const eq_stored_l2_norm_params *p, const int8_t *input, int8_t *output)
{
    for (int32_t i = 0; i < p->rows; i++, input += p->columns, output += p->columns) {
        int32_t squares = 0, shift;
        for (int32_t k = 0; k < p->columns; k++) {
            const int32_t x = input[k] - p->zero_point;
            squares += x * x;
        }
        const int32_t mantissa = eq_inverse_sqrt(squares, &shift);
        for (int32_t k = 0; k < p->columns; k++) {
            const int32_t x = (input[k] - p->zero_point) * (1 << p->first);
            const int32_t y = eq_multiply(x, mantissa, shift + p->then, EQ_DOUBLE);
            output[k] = p->mantissa ? eq_requantize(y, p->mantissa, p->shift, p->output_zero_point, INT8_MIN, INT8_MAX,
                                                    EQ_DOUBLE)
                                    : (int8_t)eq_clamp(y, INT8_MIN, INT8_MAX);
        }
    }
}
