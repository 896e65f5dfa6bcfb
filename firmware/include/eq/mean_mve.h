/* Mean over the pixels of images on Helium. */
#ifndef EQ_MEAN_MVE_H
#define EQ_MEAN_MVE_H

#include <stdint.h>

typedef struct {
    int32_t images, pixels, channels;
    int32_t offset; /* -zero-point of the input times the number of pixels */
    int32_t mantissa, shift;
    int32_t zero_point, qmin, qmax;
} eq_mean_mve_params;

void eq_mean_mve_fast(const eq_mean_mve_params *p, const int8_t *input, int8_t *output);
void eq_mean_mve_single(const eq_mean_mve_params *p, const int8_t *input, int8_t *output);
void eq_mean_mve_double(const eq_mean_mve_params *p, const int8_t *input, int8_t *output);

#endif
