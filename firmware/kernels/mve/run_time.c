#include "eq/mve.h"
#include "eq/run_time_kernels.h"

#if EQ_MVE_NATIVE

/* The products of some integers with four rows of bytes, sixteen at a time. */
static inline void four(const int8_t *integers, const int8_t *bytes, int32_t depth, int32_t count, int32_t *sums)
{
    const int8_t *wa = bytes, *wb = wa + depth, *wc = wb + depth, *wd = wc + depth;
    int32_t a = 0, b = 0, c = 0, d = 0;
    for (int32_t k = count / 16; k > 0; k--, integers += 16, wa += 16, wb += 16, wc += 16, wd += 16) {
        const int8x16_t x = vldrbq_s8(integers);
        a = vmladavaq_s8(a, x, vldrbq_s8(wa));
        b = vmladavaq_s8(b, x, vldrbq_s8(wb));
        c = vmladavaq_s8(c, x, vldrbq_s8(wc));
        d = vmladavaq_s8(d, x, vldrbq_s8(wd));
    }
    if (count % 16) {
        const mve_pred16_t some = vctp8q((uint32_t)(count % 16));
        const int8x16_t x = vldrbq_z_s8(integers, some);
        a = vmladavaq_s8(a, x, vldrbq_z_s8(wa, some));
        b = vmladavaq_s8(b, x, vldrbq_z_s8(wb, some));
        c = vmladavaq_s8(c, x, vldrbq_z_s8(wc, some));
        d = vmladavaq_s8(d, x, vldrbq_z_s8(wd, some));
    }
    sums[0] = a;
    sums[1] = b;
    sums[2] = c;
    sums[3] = d;
}

EQ_RUN_TIME_DEFINE(mve, four)

#else

EQ_RUN_TIME_DEFINE(mve, eq_four_products_in_c)

#endif
