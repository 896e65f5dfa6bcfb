#include "eq/thumb.h"
#include "eq/thumb_grouped.h"
#include "store_row.h"

EQ_FLATTEN const uint32_t *multiply(const uint32_t *weights, const int8_t *x, int32_t k, int32_t total, int32_t *sums)
{
    (void)total;
    sums[0] = sums[1] = sums[2] = sums[3] = 0;
    eq_thumb_four_rows((const int8_t *)weights, x, k, sums, k);
    return weights + k;
}

#define DEFINE(suffix, rounding)                                                                                       \
    void eq_fully_connected_grouped_thumb_##suffix(const eq_fully_connected_grouped_thumb_params *p,                   \
                                                   const int8_t *input, int8_t *output)                                \
    {                                                                                                                  \
        const int direct = eq_thumb_is_direct(rounding, p->layer.shift, p->layer.out_c);                               \
        eq_thumb_grouped(p, input, output, NULL, multiply, store_row, direct, rounding);                               \
    }
EQ_FOR_EACH_ROUNDING(DEFINE)
