/* Mean over the pixels of images with the vectors of x86. */
#ifndef EQ_MEAN_X86_H
#define EQ_MEAN_X86_H

#include <stdint.h>

typedef struct {
    int32_t images, pixels, channels; /* channels: at least 16 */
    int32_t offset;                   /* -zero-point of the input times the number of pixels */
    int32_t mantissa, shift;
    int32_t zero_point, qmin, qmax;
} eq_mean_x86_params;

void eq_mean_avx2_fast(const eq_mean_x86_params *p, const int8_t *input, int8_t *output);
void eq_mean_avx2_single(const eq_mean_x86_params *p, const int8_t *input, int8_t *output);
void eq_mean_avx2_double(const eq_mean_x86_params *p, const int8_t *input, int8_t *output);

#endif
