/* Signal processing for cores with the DSP extension. */
#ifndef EQ_SIGNAL_DSP_H
#define EQ_SIGNAL_DSP_H

#include "eq/signal.h"

typedef struct {
    int32_t rows;
    int32_t size;                  /* samples of a row; zeros follow up to 2 * half */
    int32_t half;                  /* length of the complex transform, at least 4 */
    const int16_t *twiddles;       /* of all stages but the first, for each place but the first of a quarter three */
    const int16_t *super_twiddles; /* (half / 2, 2) */
} eq_rfft_dsp_params;

/* As eq_rfft_ref. */
void eq_rfft_dsp(const eq_rfft_dsp_params *p, const int16_t *input, int16_t *output);

/* As eq_signal_window_ref. */
void eq_signal_window_dsp(const eq_signal_window_params *p, const int16_t *input, int16_t *output);

/* As eq_energy_ref. */
void eq_energy_dsp(const eq_energy_params *p, const int16_t *input, int32_t *output);

/* As eq_fft_auto_scale_ref. */
void eq_fft_auto_scale_dsp(const eq_fft_auto_scale_params *p, const int16_t *input, int16_t *output, int32_t *bits);

/* As eq_filter_bank_square_root_ref. */
void eq_filter_bank_square_root_dsp(const eq_filter_bank_square_root_params *p, const int32_t *input,
                                    const int32_t *bits, int32_t *output);

#endif
