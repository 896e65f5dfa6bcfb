#include "conv2d.h"
#include "eq/conv2d_int16_mve.h"
#include "gemm_int16.h"

/* The input has two bytes to a channel. */
void eq_conv2d_int16_mve(const eq_conv2d_mve_params *p, const int16_t *input, int16_t *output, void *scratch)
{
    const int32_t k = eq_mve_window(p) / 2;
    eq_mve_conv2d(p, (const int8_t *)input, (int8_t *)output, scratch, eq_conv_tile_int16_mve, eq_gemm_int16_for(k),
                  eq_gemm_int16_count(k), 8, 2);
}
