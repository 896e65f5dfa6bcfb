#include "eq/rows_float32.h"

#include "eq/float32.h"

static inline float greatest(const float *row, int32_t columns)
{
    float found = -EQ_GREATEST;
    for (int32_t k = 0; k < columns; k++) {
        found = row[k] > found ? row[k] : found;
    }
    return found;
}

void eq_softmax_ref_float32(const eq_rows_float32_params *p, const float *input, float *output)
{
    for (int32_t i = 0; i < p->rows; i++, input += p->columns, output += p->columns) {
        const float top = greatest(input, p->columns);
        float sum = 0.0f;
        for (int32_t k = 0; k < p->columns; k++) {
            output[k] = eq_exp((input[k] - top) * p->a);
            sum = sum + output[k];
        }
        for (int32_t k = 0; k < p->columns; k++) {
            output[k] = eq_number(eq_quotient(output[k], sum));
        }
    }
}

void eq_log_softmax_ref_float32(const eq_rows_float32_params *p, const float *input, float *output)
{
    for (int32_t i = 0; i < p->rows; i++, input += p->columns, output += p->columns) {
        const float top = greatest(input, p->columns);
        float sum = 0.0f;
        for (int32_t k = 0; k < p->columns; k++) {
            sum = sum + eq_exp(input[k] - top);
        }
        const float logarithm = eq_log(sum);
        for (int32_t k = 0; k < p->columns; k++) {
            output[k] = eq_number((input[k] - top) - logarithm);
        }
    }
}

void eq_l2_norm_ref_float32(const eq_rows_float32_params *p, const float *input, float *output)
{
    for (int32_t i = 0; i < p->rows; i++, input += p->columns, output += p->columns) {
        float sum = 0.0f;
        for (int32_t k = 0; k < p->columns; k++) {
            const float square = input[k] * input[k];
            sum = sum + square;
        }
        const float root = eq_sqrt(sum);
        const float length = root > p->a ? root : p->a;
        for (int32_t k = 0; k < p->columns; k++) {
            output[k] = eq_number(eq_quotient(input[k], length));
        }
    }
}
