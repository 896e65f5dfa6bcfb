#include "eq/signal_dsp.h"

/* Square roots of (64.5 + k) / 256, in 256ths, rounded down: where a step of Newton's method begins. */
static const uint8_t beginnings[192] = {
    128, 129, 130, 131, 132, 133, 134, 135, 136, 137, 138, 139, 139, 140, 141, 142, 143, 144, 145, 146, 147, 147,
    148, 149, 150, 151, 152, 153, 153, 154, 155, 156, 157, 157, 158, 159, 160, 161, 161, 162, 163, 164, 165, 165,
    166, 167, 168, 168, 169, 170, 171, 171, 172, 173, 174, 174, 175, 176, 177, 177, 178, 179, 179, 180, 181, 182,
    182, 183, 184, 184, 185, 186, 186, 187, 188, 188, 189, 190, 190, 191, 192, 192, 193, 194, 194, 195, 196, 196,
    197, 198, 198, 199, 200, 200, 201, 202, 202, 203, 203, 204, 205, 205, 206, 207, 207, 208, 208, 209, 210, 210,
    211, 211, 212, 213, 213, 214, 214, 215, 216, 216, 217, 217, 218, 219, 219, 220, 220, 221, 221, 222, 223, 223,
    224, 224, 225, 225, 226, 227, 227, 228, 228, 229, 229, 230, 231, 231, 232, 232, 233, 233, 234, 234, 235, 235,
    236, 237, 237, 238, 238, 239, 239, 240, 240, 241, 241, 242, 242, 243, 243, 244, 245, 245, 246, 246, 247, 247,
    248, 248, 249, 249, 250, 250, 251, 251, 252, 252, 253, 253, 254, 254, 255, 255};

/* The root of a number from 2^30 on, rounded down. One step doubles the 8 bits that the table is right in. */
static inline uint32_t root_of_32(uint32_t x)
{
    const uint32_t first = (uint32_t)beginnings[(x >> 24) - 64] << 8 | 0x80;
    uint32_t root = (first + x / first) / 2;
    if (root > 0xFFFFU) {
        root = 0xFFFFU;
    }
    while (root * root > x) {
        root--;
    }
    return root;
}

/* The root of a number from 2^62 on, rounded down: of its upper half, then of the remainder. */
static inline uint32_t root_of_64(uint64_t x)
{
    const uint32_t high = (uint32_t)(x >> 32), root = root_of_32(high);
    const uint32_t more = ((high - root * root) << 15 | ((uint32_t)x >> 17)) / root;
    uint32_t found = (root << 16) + (more > 0xFFFFU ? 0xFFFFU : more);
    if ((uint64_t)found * found > x) {
        found--;
    }
    return found;
}

/* The nearest root. */
static inline uint32_t nearest_root(uint32_t high, uint32_t low)
{
    if (!(high | low)) {
        return 0;
    }
    const uint32_t leading = high ? 32U - eq_most_significant_bit(high) : 64U - eq_most_significant_bit(low);
    const uint32_t half = leading / 2;
    const uint64_t x = (uint64_t)high << 32 | low;
    const uint32_t root = root_of_64(x << (2 * half)) >> half;
    const uint64_t rest = x - (uint64_t)root * root;
    return rest > root && root != (high ? 0xFFFFFFFFU : 0xFFFFU) ? root + 1 : root;
}

void eq_filter_bank_square_root_dsp(const eq_filter_bank_square_root_params *p, const int32_t *input,
                                    const int32_t *bits, int32_t *output)
{
    for (int32_t row = 0; row < p->rows; row++) {
        for (int32_t band = 0; band < p->bands; band++, input += 2) {
            *output++ = (int32_t)(nearest_root((uint32_t)input[1], (uint32_t)input[0]) >> ((uint32_t)bits[row] & 31U));
        }
    }
}
