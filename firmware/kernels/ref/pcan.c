#include "eq/signal.h"

#define SNR_BITS 12
#define OUTPUT_BITS 6

static uint32_t gain(const int16_t *table, uint32_t x)
{
    if (x <= 2) {
        return (uint32_t)(int32_t)table[x];
    }
    const uint32_t interval = eq_most_significant_bit(x);
    const int16_t *const knot = table + 4 * interval - 6;
    const int32_t fraction = (int32_t)((interval < 11 ? x << (11 - interval) : x >> (interval - 11)) & 0x3FFU);
    const int32_t curve = ((knot[2] * fraction) >> 5) + knot[1] * 32;
    return (uint32_t)(int32_t)(int16_t)(((curve * fraction + (1 << 14)) >> 15) + knot[0]);
}

void eq_pcan_ref(const eq_pcan_params *p, const int32_t *input, const int32_t *noise, int32_t *output)
{
    for (int32_t k = 0; k < p->count; k++) {
        const uint32_t ratio =
            (uint32_t)(((uint64_t)(uint32_t)input[k] * gain(p->table, (uint32_t)noise[k])) >> p->shift);
        output[k] = (int32_t)(ratio < 2U << SNR_BITS ? (ratio * ratio) >> (2 + 2 * SNR_BITS - OUTPUT_BITS)
                                                     : (ratio >> (SNR_BITS - OUTPUT_BITS)) - (1U << OUTPUT_BITS));
    }
}
