/* Real numbers as whole ones, rounded towards 0. */
#ifndef EQ_REAL_TO_WHOLE_H
#define EQ_REAL_TO_WHOLE_H

#include <stdint.h>

typedef struct {
    int32_t size;
    const int32_t *table; /* for each int8 number, from -128 on */
} eq_real_to_whole_params;

typedef struct {
    int32_t size;
    int32_t low, high; /* bounds of the result; NaN is 0, or the bound next to it */
} eq_real_to_whole_float32_params;

void eq_real_to_whole_ref(const eq_real_to_whole_params *p, const int8_t *input, int32_t *output);
void eq_real_to_whole_float32_ref(const eq_real_to_whole_float32_params *p, const float *input, int32_t *output);

#endif
