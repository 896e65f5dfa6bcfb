/* Spectra in float32, bit for bit those of edgeq/numerics/spectrum.py. */
#ifndef EQ_SPECTRUM_H
#define EQ_SPECTRUM_H

#include <stdint.h>

typedef struct {
    int32_t rows, samples, axes;     /* of the input: of each axis, whose samples are those of all axes in turn */
    int32_t frames, step;            /* of an axis; samples from one frame to the next */
    int32_t window;                  /* samples of a frame; zeros follow up to 2 * half */
    int32_t half;                    /* length of the complex transform */
    int32_t power;                   /* 0: real and imaginary parts, 1: magnitudes, 2: their squares */
    int32_t bins, bands;             /* how many bins are needed; bands, or 0 where bins are the output */
    const float *weights;            /* (window): half of what samples are multiplied with */
    const float *twiddles;           /* of all stages but the first, for each place but the first of a quarter three */
    const float *joining;            /* (half / 2, 2) */
    const uint16_t *starts, *widths; /* of bands: the first bin, and how many */
    const float *band_weights;       /* of all bands, one after the other */
} eq_spectrum_params;

/* Of samples (rows, samples, axes): (rows, axes, frames, bins, 2), (rows, axes, frames, bins) or (rows, axes, frames,
 * bands). scratch: float (2 * half + 2). */
void eq_spectrum_ref(const eq_spectrum_params *p, const float *input, float *output, void *scratch);

/* The same of whole samples, or of real ones in steps of 16 bits. */
void eq_sample_spectrum_ref(const eq_spectrum_params *p, const int16_t *input, float *output, void *scratch);

typedef struct {
    int32_t rows, samples, axes; /* samples of each axis, in turn */
    int32_t count;               /* of statistics */
    const uint8_t *chosen;       /* mean, minimum, maximum, RMS, deviation, skewness, kurtosis, by their numbers */
    float scale;                 /* what a sample of 1 stands for */
} eq_sample_statistics_params;

/* Of samples (rows, samples, axes): statistics (rows, axes, count), bit for bit those of edgeq/numerics/moments.py. */
void eq_sample_statistics_ref(const eq_sample_statistics_params *p, const int16_t *input, float *output);

#endif
