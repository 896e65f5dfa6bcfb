/* Minimum over arbitrary dimensions. */
#ifndef EQ_REDUCE_MIN_H
#define EQ_REDUCE_MIN_H

#include "eq/reduce.h"

typedef struct {
    int32_t keep[EQ_REDUCE_DIMS], keep_stride[EQ_REDUCE_DIMS]; /* as in eq_reduce_params */
    int32_t fold[EQ_REDUCE_DIMS], fold_stride[EQ_REDUCE_DIMS];
} eq_reduce_min_params;

void eq_reduce_min_ref(const eq_reduce_min_params *p, const int8_t *input, int8_t *output);
void eq_reduce_min_int16_ref(const eq_reduce_min_params *p, const int16_t *input, int16_t *output);

#endif
