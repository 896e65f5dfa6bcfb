#include "eq/thumb_int16.h"

void eq_conv2d_int16_thumb2(const eq_conv2d_int16_thumb_params *p, const int16_t *input, int16_t *output, void *scratch)
{
    eq_thumb_int16_conv2d(p, input, output, scratch, eq_thumb2_gemm_int16);
}
