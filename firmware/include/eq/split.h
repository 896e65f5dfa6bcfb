/* Cutting a tensor into several along one axis. */
#ifndef EQ_SPLIT_H
#define EQ_SPLIT_H

#include <stdint.h>

typedef struct {
    int32_t count;        /* outputs */
    int32_t rows;         /* elements before the axis */
    const int32_t *sizes; /* elements of one row of each output */
} eq_split_params;

void eq_split_ref(const eq_split_params *p, const int8_t *input, int8_t *const *outputs);
void eq_split_float32_ref(const eq_split_params *p, const float *input, float *const *outputs);
void eq_split_int16_ref(const eq_split_params *p, const int16_t *input, int16_t *const *outputs);

#endif
