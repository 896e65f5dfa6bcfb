#include "eq/elementwise_int16.h"
#include "eq/requant16.h"

enum { STEP_BITS = 6, MIDDLE = 1 << (15 - STEP_BITS) };

void eq_requantize_int16_ref(const eq_requantize_int16_params *p, const int16_t *input, int16_t *output)
{
    for (int32_t i = 0; i < p->size; i++) {
        output[i] = eq_requantize16(input[i], p->mantissa, p->shift, p->qmin, p->qmax);
    }
}

void eq_requantize_to_int16_ref(const eq_requantize_int16_params *p, const int8_t *input, int16_t *output)
{
    for (int32_t i = 0; i < p->size; i++) {
        output[i] = eq_requantize16(input[i] - p->in_zero_point, p->mantissa, p->shift, p->qmin, p->qmax);
    }
}

void eq_requantize_from_int16_ref(const eq_requantize_int16_params *p, const int16_t *input, int8_t *output)
{
    for (int32_t i = 0; i < p->size; i++) {
        output[i] = eq_requantize(input[i], p->mantissa, p->shift, p->zero_point, p->qmin, p->qmax, EQ_FAST);
    }
}

void eq_table_int16_ref(const eq_table_int16_params *p, const int16_t *input, int16_t *output)
{
    for (int32_t i = 0; i < p->size; i++) {
        const int16_t *entry = p->table + ((input[i] >> STEP_BITS) + MIDDLE);
        const int32_t part = input[i] & ((1 << STEP_BITS) - 1);
        const int32_t whole = entry[0] * (1 << STEP_BITS) + (entry[1] - entry[0]) * part;
        output[i] = (int16_t)((whole + (1 << (STEP_BITS - 1))) >> STEP_BITS);
    }
}
