/* Spectra of a sound for a network: logarithms of the amplitudes in 20 bands, as speech.py has them. No heap. */
#ifndef MEL_H
#define MEL_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { MEL_RATE = 8000, MEL_FRAME = 256, MEL_HOP = 160, MEL_BANDS = 20 };

/* MEL_FRAME samples in, MEL_BANDS logarithms out. A caller takes a frame every MEL_HOP samples. */
void mel_frame(const int16_t *samples, float *bands);

#ifdef __cplusplus
}
#endif
#endif
