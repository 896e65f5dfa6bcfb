#include "eq/thumb.h"
#include "eq/thumb_grouped.h"
#include "products_narrow.h"
#include "store_row.h"

EQ_FLATTEN const uint32_t *multiply(const uint32_t *weights, const int8_t *x, int32_t k, int32_t total, int32_t *sums,
                                    int32_t bits)
{
    const int32_t per_word = 8 / bits, excess = (k + 128 / bits - 1) / (128 / bits) * (1 << 15);
    sums[0] = sums[2] = -excess;
    sums[1] = sums[3] = 0;
    products(weights, x, k, sums, bits);
    for (int32_t i = 0; i < 4; i++) {
        sums[i] = bits == 2 ? sums[i] - 2 * total : 2 * sums[i] - total;
    }
    return weights + (k + per_word - 1) / per_word;
}

EQ_APART const uint32_t *multiply_int2(const uint32_t *weights, const int8_t *x, int32_t k, int32_t total,
                                       int32_t *sums)
{
    return multiply(weights, x, k, total, sums, 2);
}

EQ_APART const uint32_t *multiply_binary(const uint32_t *weights, const int8_t *x, int32_t k, int32_t total,
                                         int32_t *sums)
{
    return multiply(weights, x, k, total, sums, 1);
}

#define DEFINE_INT2(suffix, rounding)                                                                                  \
    void eq_fully_connected_grouped_int2_thumb_##suffix(const eq_fully_connected_grouped_thumb_params *p,              \
                                                        const int8_t *input, int8_t *output, void *scratch)            \
    {                                                                                                                  \
        const int direct = eq_thumb_is_direct(rounding, p->layer.shift, p->layer.out_c);                               \
        eq_thumb_grouped(p, input, output, scratch, multiply_int2, store_row, direct, rounding);                       \
    }
#define DEFINE_BINARY(suffix, rounding)                                                                                \
    void eq_fully_connected_grouped_binary_thumb_##suffix(const eq_fully_connected_grouped_thumb_params *p,            \
                                                          const int8_t *input, int8_t *output, void *scratch)          \
    {                                                                                                                  \
        const int direct = eq_thumb_is_direct(rounding, p->layer.shift, p->layer.out_c);                               \
        eq_thumb_grouped(p, input, output, scratch, multiply_binary, store_row, direct, rounding);                     \
    }
EQ_FOR_EACH_ROUNDING(DEFINE_INT2)
EQ_FOR_EACH_ROUNDING(DEFINE_BINARY)
