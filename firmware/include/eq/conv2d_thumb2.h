/* 2-D convolution of NHWC int8 images on Armv7-M: tiles of eight pixels, two products per multiplication. */
#ifndef EQ_CONV2D_THUMB2_H
#define EQ_CONV2D_THUMB2_H

#include "eq/conv2d.h"

/* One group, symmetric weights. scratch: 16 * kernel_h * kernel_w * in_c + in_c bytes. */
void eq_conv2d_thumb2_fast(const eq_conv2d_params *p, const int8_t *input, int8_t *output, void *scratch);
void eq_conv2d_thumb2_single(const eq_conv2d_params *p, const int8_t *input, int8_t *output, void *scratch);
void eq_conv2d_thumb2_double(const eq_conv2d_params *p, const int8_t *input, int8_t *output, void *scratch);

#endif
