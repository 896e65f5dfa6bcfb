#include "eq/signal.h"

static uint32_t root32(uint32_t x)
{
    uint32_t root = 0, bit = x ? 1U << ((eq_most_significant_bit(x) - 1U) & ~1U) : 0U;
    for (; bit; bit >>= 2) {
        const uint32_t with = root + bit;
        root >>= 1;
        if (x >= with) {
            x -= with;
            root += bit;
        }
    }
    return x > root && root != 0xFFFFU ? root + 1 : root;
}

static uint32_t root64(uint64_t x)
{
    uint64_t root = 0, bit = 1ULL << (32U + ((eq_most_significant_bit((uint32_t)(x >> 32)) - 1U) & ~1U));
    for (; bit; bit >>= 2) {
        const uint64_t with = root + bit;
        root >>= 1;
        if (x >= with) {
            x -= with;
            root += bit;
        }
    }
    return (uint32_t)(x > root && root != 0xFFFFFFFFU ? root + 1 : root);
}

void eq_filter_bank_square_root_ref(const eq_filter_bank_square_root_params *p, const int32_t *input,
                                    const int32_t *bits, int32_t *output)
{
    for (int32_t row = 0; row < p->rows; row++) {
        for (int32_t band = 0; band < p->bands; band++) {
            const uint32_t low = (uint32_t)input[0], high = (uint32_t)input[1];
            const uint32_t root = high ? root64((uint64_t)high << 32 | low) : root32(low);
            *output++ = (int32_t)(root >> ((uint32_t)bits[row] & 31U));
            input += 2;
        }
    }
}
