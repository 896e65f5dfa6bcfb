/* Normalization of sets of float32 values by their standard deviation or the root of their mean square. */
#ifndef EQ_NORMALIZE_FLOAT32_H
#define EQ_NORMALIZE_FLOAT32_H

#include <stdint.h>

typedef struct {
    int32_t outer, middle, groups, inner; /* as in eq_normalize_params: a set is all of one outer index and one group */
    int32_t step;                         /* 1: scale and bias differ along groups and inner; 0: one for all */
    int32_t centred;                      /* whether the mean is subtracted */
    float epsilon;                        /* what is added to the mean square */
    const float *scale, *bias;
    float low, high;
} eq_normalize_float32_params;

/* The output may be the input. */
void eq_normalize_float32_ref(const eq_normalize_float32_params *p, const float *input, float *output);

#endif
