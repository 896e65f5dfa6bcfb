#include "conv2d_1x1.h"
#include "eq/conv2d_int16_mve.h"
#include "gemm_int16.h"

/* As in conv2d_int16.c. */
void eq_conv2d_1x1_int16_mve(const eq_conv2d_mve_params *p, const int16_t *input, int16_t *output)
{
    const int32_t k = p->in_c / 2;
    eq_mve_conv2d_1x1(p, (const int8_t *)input, (int8_t *)output, eq_conv_tile_int16_mve, eq_gemm_int16_for(k),
                      eq_gemm_int16_count(k), 8, 2);
}
