#include "eq/signal.h"

void eq_spectral_subtraction_ref(const eq_spectral_subtraction_params *p, const int32_t *input, const int32_t *noise,
                                 int32_t *output, int32_t *estimates)
{
    for (int32_t row = 0; row < p->rows; row++) {
        for (int32_t band = 0; band < p->bands; band++) {
            const uint32_t signal = (uint32_t)*input++, old = (uint32_t)*noise++;
            const uint32_t scaled = signal << p->smoothing_bits;
            const uint64_t taken = (uint64_t)scaled * (uint32_t)p->smoothing[band & 1];
            const uint64_t kept = (uint64_t)old * (uint32_t)p->kept[band & 1];
            const uint32_t estimate = (uint32_t)((taken + kept) >> p->bits);
            const uint32_t less = estimate > scaled ? scaled : estimate;
            const uint32_t least = (uint32_t)(((uint64_t)signal * (uint32_t)p->least) >> p->bits);
            const uint32_t left = (scaled - less) >> p->smoothing_bits;
            *output++ = (int32_t)(left > least ? left : least);
            *estimates++ = (int32_t)(p->clamping ? less : estimate);
        }
    }
}
