#define SAMPLE int16_t
#include "spectra.h"

void eq_sample_spectrum_ref(const eq_spectrum_params *p, const int16_t *input, float *output, void *scratch)
{
    spectra(p, input, output, scratch);
}
