/* Additions, pools and means for cores without SIMD. */
#ifndef EQ_ELEMENTWISE_THUMB_H
#define EQ_ELEMENTWISE_THUMB_H

#include "eq/add.h"
#include "eq/average_pool2d.h"
#include "eq/max_pool2d.h"
#include "eq/mean.h"

/* Two tensors of the same shape: shape[EQ_MAX_RANK - 1] elements each. The output may be either of them. */
void eq_add_thumb_fast(const eq_add_fast_params *p, const int8_t *a, const int8_t *b, int8_t *output);

void eq_average_pool2d_thumb(const eq_average_pool2d_params *p, const int8_t *input, int8_t *output);
void eq_max_pool2d_thumb(const eq_max_pool2d_params *p, const int8_t *input, int8_t *output);

/* One dimension is kept within one that is reduced, as in a mean over all pixels of an image. */
void eq_mean_thumb_fast(const eq_reduce_params *p, const int8_t *input, int8_t *output);
void eq_mean_thumb_single(const eq_reduce_params *p, const int8_t *input, int8_t *output);
void eq_mean_thumb_double(const eq_reduce_params *p, const int8_t *input, int8_t *output);

#endif
