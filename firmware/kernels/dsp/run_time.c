#include "eq/dsp.h"
#include "eq/run_time_kernels.h"

/* Adds the products of integers with bytes, two at a time. */
static inline int32_t add_products(int32_t low, int32_t high, const int8_t *bytes, int32_t sum)
{
    const int32_t word = eq_load4(bytes);
    return eq_smlad(eq_sxtb16_ror8(word), high, eq_smlad(eq_sxtb16(word), low, sum));
}

/* The products of some integers with four rows of bytes. */
static void four(const int8_t *integers, const int8_t *bytes, int32_t depth, int32_t count, int32_t *sums)
{
    int32_t a = 0, b = 0, c = 0, d = 0, k = 0;
    for (; k + 4 <= count; k += 4, bytes += 4) {
        const int32_t word = eq_load4(integers + k), low = eq_sxtb16(word), high = eq_sxtb16_ror8(word);
        a = add_products(low, high, bytes, a);
        b = add_products(low, high, bytes + depth, b);
        c = add_products(low, high, bytes + 2 * depth, c);
        d = add_products(low, high, bytes + 3 * depth, d);
    }
    for (; k < count; k++, bytes++) {
        a += integers[k] * bytes[0];
        b += integers[k] * bytes[depth];
        c += integers[k] * bytes[2 * depth];
        d += integers[k] * bytes[3 * depth];
    }
    sums[0] = a;
    sums[1] = b;
    sums[2] = c;
    sums[3] = d;
}

EQ_RUN_TIME_DEFINE(dsp, four)
