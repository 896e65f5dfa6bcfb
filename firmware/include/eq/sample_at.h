/* Elements of images (batches, height, width, channels) at places (batches, places, 2), which are column and row: mixed
 * of the four around, of which those outside are 0. */
#ifndef EQ_SAMPLE_AT_H
#define EQ_SAMPLE_AT_H

#include <stdint.h>

typedef struct {
    int32_t batches, height, width, channels, places;
    int32_t x_zero_point, place_zero_point, y_zero_point;
    float place_scale;
    float steps; /* of the output in one of the image */
} eq_sample_at_params;

void eq_sample_at_ref(const eq_sample_at_params *p, const int8_t *x, const int8_t *places, int8_t *output);
void eq_sample_at_float32_ref(const eq_sample_at_params *p, const float *x, const float *places, float *output);

#endif
