/* Mean over the pixels of images of int16 on Cortex-M cores without vectors. */
#ifndef EQ_MEAN_THUMB_H
#define EQ_MEAN_THUMB_H

#include <stdint.h>

typedef struct {
    int32_t images, pixels, channels; /* fewer than 65536 pixels, so that sums fit 32 bits */
    int32_t mantissa, shift;
    int32_t qmin, qmax;
} eq_mean_int16_thumb_params;

void eq_mean_int16_thumb(const eq_mean_int16_thumb_params *p, const int16_t *input, int16_t *output);

#endif
