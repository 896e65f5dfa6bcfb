/* Resizing NHWC int8 images with the vectors of x86. */
#ifndef EQ_RESIZE_X86_H
#define EQ_RESIZE_X86_H

#include "eq/resize.h"

void eq_resize_nearest_avx2(const eq_resize_nearest_params *p, const int8_t *input, int8_t *output);
/* At least 8 channels. */
void eq_resize_bilinear_avx2(const eq_resize_bilinear_params *p, const int8_t *input, int8_t *output);

#endif
