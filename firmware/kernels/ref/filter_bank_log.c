#include "eq/signal.h"

#define LN_2 45426U /* in 65536ths */
#define HALF 32768U

static uint32_t logarithm(const int16_t *table, uint32_t x, uint32_t scale)
{
    const uint32_t whole = eq_most_significant_bit(x) - 1U, above = x - (1U << whole);
    const uint32_t fraction = whole < 16 ? above << (16 - whole) : above >> (whole - 16);
    const uint32_t segment = fraction >> 9;
    const int32_t low = table[segment], rise = table[segment + 1] - low;
    const int32_t between = (rise * (int32_t)(fraction & 511U)) >> 16;
    const uint32_t binary = (whole << 16) + fraction + (uint32_t)(low + between);
    const uint32_t natural = (uint32_t)(((uint64_t)LN_2 * binary + HALF) >> 16);
    return (natural * scale + HALF) >> 16;
}

void eq_filter_bank_log_ref(const eq_filter_bank_log_params *p, const int32_t *input, int32_t *output)
{
    for (int32_t k = 0; k < p->count; k++) {
        const uint32_t x = ((uint32_t)input[k] << p->left) >> p->right;
        const uint32_t made = x > 1 ? logarithm(p->table, x, (uint32_t)p->scale) : 0U;
        output[k] = (int32_t)(made < (uint32_t)INT16_MAX ? made : (uint32_t)INT16_MAX);
    }
}
