#include "eq/pool2d_int16.h"

#include "eq/requant.h"
#include "eq/taps.h"
#include "pool2d.h"

void eq_average_pool2d_int16_ref(const eq_pool2d_int16_params *p, const int16_t *input, int16_t *output)
{
    /* C's division truncates: half a count on the side of the sum's sign rounds halves away from zero. */
    EQ_FOR_EACH_WINDOW(
        int32_t, p, input, output, 0, total + v,
        (int16_t)eq_clamp((total < 0 ? total - count / 2 : total + count / 2) / count, p->qmin, p->qmax));
}

void eq_max_pool2d_int16_ref(const eq_pool2d_int16_params *p, const int16_t *input, int16_t *output)
{
    EQ_FOR_EACH_WINDOW(int32_t, p, input, output, INT16_MIN, v > total ? v : total,
                       (int16_t)eq_clamp(total, p->qmin, p->qmax));
}
