#include "eq/pool2d_float32.h"

#include "eq/float32.h"
#include "eq/taps.h"
#include "pool2d.h"

void eq_average_pool2d_float32_ref(const eq_pool2d_float32_params *p, const float *input, float *output)
{
    EQ_FOR_EACH_WINDOW(float, p, input, output, 0.0f, total + v,
                       eq_within(eq_quotient(total, (float)count), p->low, p->high));
}

void eq_max_pool2d_float32_ref(const eq_pool2d_float32_params *p, const float *input, float *output)
{
    EQ_FOR_EACH_WINDOW(float, p, input, output, -EQ_GREATEST, v > total ? v : total, eq_within(total, p->low, p->high));
}
