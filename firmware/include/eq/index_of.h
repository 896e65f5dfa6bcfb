/* Where along an axis an extreme is. */
#ifndef EQ_INDEX_OF_H
#define EQ_INDEX_OF_H

#include <stdint.h>

typedef struct {
    int32_t outer; /* blocks, each with `inner` results */
    int32_t count; /* elements along the axis, at least one */
    int32_t inner; /* elements from one along the axis to the next */
    int32_t last;  /* whether of several extremes the last one counts; else the first does */
} eq_index_of_params;

void eq_arg_max_ref(const eq_index_of_params *p, const int8_t *input, int32_t *output);
void eq_arg_min_ref(const eq_index_of_params *p, const int8_t *input, int32_t *output);

/* Of NaN nothing is greater or less, nor equal. */
void eq_arg_max_float32_ref(const eq_index_of_params *p, const float *input, int32_t *output);
void eq_arg_min_float32_ref(const eq_index_of_params *p, const float *input, int32_t *output);

#endif
