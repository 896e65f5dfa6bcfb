#define SAMPLE float
#include "spectra.h"

void eq_spectrum_ref(const eq_spectrum_params *p, const float *input, float *output, void *scratch)
{
    spectra(p, input, output, scratch);
}
