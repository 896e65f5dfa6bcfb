/* The first elements along an axis, once these are in order, and where they are. */
#ifndef EQ_TOP_H
#define EQ_TOP_H

#include <stdint.h>

typedef struct {
    int32_t outer;    /* blocks */
    int32_t size;     /* elements along the axis */
    int32_t inner;    /* elements from one along the axis to the next */
    int32_t count;    /* how many are chosen */
    int32_t smallest; /* whether the order is from the least to the greatest; else it is from the greatest */
} eq_top_params;

void eq_top_values_ref(const eq_top_params *p, const int8_t *input, int8_t *output);
void eq_top_indices_ref(const eq_top_params *p, const int8_t *input, int32_t *output);
void eq_top_values_int16_ref(const eq_top_params *p, const int16_t *input, int16_t *output);

/* NaN is behind all numbers; where only such are left, the first element stands for them. */
void eq_top_values_float32_ref(const eq_top_params *p, const float *input, float *output);
void eq_top_indices_float32_ref(const eq_top_params *p, const float *input, int32_t *output);

#endif
