#include "eq/neon.h"
#include "eq/run_time_kernels.h"

/* Of bytes from -127 on two products fit 16 bits, of others those of the integers' 127 and -128 do, too. */
static inline int32x4_t add_products(int32x4_t sums, int8x16_t x, int8x16_t y)
{
    const int16x8_t low = vmull_s8(vget_low_s8(x), vget_low_s8(y));
    return vpadalq_s16(sums, vmlal_s8(low, vget_high_s8(x), vget_high_s8(y)));
}

#define EQ_ADD_PRODUCTS add_products
#include "four_rows.h"

EQ_RUN_TIME_DEFINE(neon, eq_four_rows)
