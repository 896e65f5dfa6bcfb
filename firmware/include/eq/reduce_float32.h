/* Reductions of float32 tensors over arbitrary dimensions, element after element. */
#ifndef EQ_REDUCE_FLOAT32_H
#define EQ_REDUCE_FLOAT32_H

#include "eq/reduce.h"

typedef struct {
    int32_t keep[EQ_REDUCE_DIMS], keep_stride[EQ_REDUCE_DIMS];
    int32_t fold[EQ_REDUCE_DIMS], fold_stride[EQ_REDUCE_DIMS];
} eq_reduce_float32_params;

void eq_mean_float32_ref(const eq_reduce_float32_params *p, const float *input, float *output);
void eq_sum_float32_ref(const eq_reduce_float32_params *p, const float *input, float *output);
void eq_reduce_max_float32_ref(const eq_reduce_float32_params *p, const float *input, float *output);
void eq_reduce_min_float32_ref(const eq_reduce_float32_params *p, const float *input, float *output);

#endif
