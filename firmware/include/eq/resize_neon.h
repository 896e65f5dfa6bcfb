/* Resizing NHWC int8 images with Arm's vectors. */
#ifndef EQ_RESIZE_NEON_H
#define EQ_RESIZE_NEON_H

#include "eq/resize.h"

void eq_resize_nearest_neon(const eq_resize_nearest_params *p, const int8_t *input, int8_t *output);
/* At least 8 channels. */
void eq_resize_bilinear_neon(const eq_resize_bilinear_params *p, const int8_t *input, int8_t *output);

#endif
