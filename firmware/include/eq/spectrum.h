/* Spectra in float32, bit for bit those of edgeq/numerics/spectrum.py. */
#ifndef EQ_SPECTRUM_H
#define EQ_SPECTRUM_H

#include <stdint.h>

typedef struct {
    int32_t rows, samples;           /* of the input */
    int32_t frames, step;            /* of a row; samples from one frame to the next */
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

/* Of samples (rows, samples): (rows, frames, bins, 2), (rows, frames, bins) or (rows, frames, bands).
 * scratch: float (2 * half + 2). */
void eq_spectrum_ref(const eq_spectrum_params *p, const float *input, float *output, void *scratch);

/* The same of whole samples, or of real ones in steps of 16 bits. */
void eq_sample_spectrum_ref(const eq_spectrum_params *p, const int16_t *input, float *output, void *scratch);

#endif
