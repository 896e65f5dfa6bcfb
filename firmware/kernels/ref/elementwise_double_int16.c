#include "eq/elementwise_int16.h"
#include "eq/requant16.h"

enum { STEP_BITS = 7, MIDDLE = 1 << (15 - STEP_BITS) };

void eq_requantize_int16_ref_double(const eq_requantize_int16_params *p, const int16_t *input, int16_t *output)
{
    for (int32_t i = 0; i < p->size; i++) {
        output[i] = eq_requantize16_double(input[i], p->mantissa, p->shift, p->qmin, p->qmax);
    }
}

void eq_abs_int16_ref_double(const eq_requantize_int16_params *p, const int16_t *input, int16_t *output)
{
    for (int32_t i = 0; i < p->size; i++) {
        output[i] =
            eq_requantize16_double(input[i] < 0 ? -input[i] : input[i], p->mantissa, p->shift, p->qmin, p->qmax);
    }
}

/* Without regard to scales; -32768 stays -32768. */
void eq_neg_int16_ref_double(const eq_requantize_int16_params *p, const int16_t *input, int16_t *output)
{
    for (int32_t i = 0; i < p->size; i++) {
        output[i] = (int16_t)-input[i];
    }
}

void eq_table_int16_ref_double(const eq_table_int16_double_params *p, const int16_t *input, int16_t *output)
{
    for (int32_t i = 0; i < p->size; i++) {
        const int16_t *entry = p->table + ((input[i] >> STEP_BITS) + MIDDLE);
        const int16_t slope = (int16_t)(entry[1] - entry[0]);
        const int32_t part = input[i] & ((1 << STEP_BITS) - 1);
        output[i] = (int16_t)(entry[0] + ((slope * part + (1 << (STEP_BITS - 1))) >> STEP_BITS));
    }
}

void eq_leaky_relu_int16_ref_double(const eq_leaky_relu_int16_params *p, const int16_t *input, int16_t *output)
{
    for (int32_t i = 0; i < p->size; i++) {
        const int32_t scaled =
            input[i] >= 0 ? eq_multiply(input[i], p->mantissa, p->shift, EQ_DOUBLE)
                          : p->sign_below * eq_multiply(input[i], p->mantissa_below, p->shift_below, EQ_DOUBLE);
        output[i] = (int16_t)eq_clamp(scaled, INT16_MIN, INT16_MAX);
    }
}

static inline int32_t argument(const eq_sigmoid_int16_params *p, int32_t q)
{
    return (q * p->factor + (p->shift ? 1 << (p->shift - 1) : 0)) >> p->shift;
}

/* The value of the table at x / 2^bits, with so many fraction bits more, or `most` from 255 on. */
static inline int32_t between(const uint16_t *table, int32_t x, int32_t bits, int32_t most)
{
    const int32_t index = x >> bits;
    return index >= 255 ? most
                        : table[index] * (1 << bits) + (x & ((1 << bits) - 1)) * (table[index + 1] - table[index]);
}

void eq_sigmoid_int16_ref_double(const eq_sigmoid_int16_params *p, const int16_t *input, int16_t *output)
{
    for (int32_t i = 0; i < p->size; i++) {
        const int32_t x = argument(p, input[i]);
        const int32_t y = between(p->table, x < 0 ? -x : x, 9, 0x7FFF << 10);
        output[i] = (int16_t)((x < 0 ? (1 << 25) - y + (1 << 9) - 1 : y + (1 << 9)) >> 10);
    }
}

void eq_tanh_int16_ref_double(const eq_sigmoid_int16_params *p, const int16_t *input, int16_t *output)
{
    for (int32_t i = 0; i < p->size; i++) {
        const int32_t x = argument(p, input[i]);
        const int32_t y = between(p->table, x < 0 ? -x : x, 8, 0xFFFF << 8) - (1 << 23);
        output[i] = (int16_t)((x < 0 ? (1 << 7) - 1 - y : y + (1 << 7)) >> 8);
    }
}
