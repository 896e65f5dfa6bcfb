/* Square roots of int16 elements, as TensorFlow Lite has them: in real numbers, and cut off. */
#ifndef EQ_SQRT_INT16_H
#define EQ_SQRT_INT16_H

#include <stdint.h>

typedef struct {
    int32_t size; /* elements */
    float in_scale, out_scale;
} eq_sqrt_int16_params;

/* The output may be the input. */
void eq_sqrt_int16_ref_double(const eq_sqrt_int16_params *p, const int16_t *input, int16_t *output);

#endif
