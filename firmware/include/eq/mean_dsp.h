/* Mean over the pixels of images with the DSP instructions of Armv7E-M and Armv8-M. */
#ifndef EQ_MEAN_DSP_H
#define EQ_MEAN_DSP_H

#include <stdint.h>

typedef struct {
    int32_t images, pixels, channels; /* channels: at least 4 */
    int32_t offset;                   /* -zero-point of the input times the number of pixels */
    int32_t mantissa, shift;
    int32_t zero_point, qmin, qmax;
} eq_mean_dsp_params;

void eq_mean_dsp_fast(const eq_mean_dsp_params *p, const int8_t *input, int8_t *output);
void eq_mean_dsp_single(const eq_mean_dsp_params *p, const int8_t *input, int8_t *output);
void eq_mean_dsp_double(const eq_mean_dsp_params *p, const int8_t *input, int8_t *output);

/* In little code: FAST rounding, `mantissa` has 32 fraction bits, `shift` is 0, outputs are clamped to int8 only. */
void eq_compact_mean_dsp(const eq_mean_dsp_params *p, const int8_t *input, int8_t *output);

#endif
