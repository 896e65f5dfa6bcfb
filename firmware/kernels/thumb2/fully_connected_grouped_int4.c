#include "eq/thumb2.h"
#include "eq/thumb_grouped.h"
#include "store_row.h"

EQ_FLATTEN const uint32_t *multiply(const uint32_t *weights, const int8_t *x, int32_t k, int32_t total, int32_t *sums)
{
    return eq_thumb_group_int4(weights, x, k, total, sums, eq_thumb2_four_rows_int4);
}

#define DEFINE(suffix, rounding)                                                                                       \
    void eq_fully_connected_grouped_int4_thumb2_##suffix(const eq_fully_connected_grouped_thumb_params *p,             \
                                                         const int8_t *input, int8_t *output, void *scratch)           \
    {                                                                                                                  \
        const int direct =                                                                                             \
            eq_thumb2_is_direct(rounding, p->layer.shift, p->layer.out_c, p->layer.qmin, p->layer.qmax);               \
        eq_thumb_grouped(p, input, output, scratch, multiply, store_row, direct, rounding);                            \
    }
EQ_FOR_EACH_ROUNDING(DEFINE)
