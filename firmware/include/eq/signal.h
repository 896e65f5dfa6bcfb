/* Integer signal processing, from samples of sound to features. uint32 values are held in int32. */
#ifndef EQ_SIGNAL_H
#define EQ_SIGNAL_H

#include <stdint.h>

/* The place of the highest bit that is set, from 1; 0 for 0. */
static inline uint32_t eq_most_significant_bit(uint32_t x)
{
#if defined __GNUC__
    return x ? 32U - (uint32_t)__builtin_clz(x) : 0U;
#else
    uint32_t place = 0;
    for (; x; x >>= 1) {
        place++;
    }
    return place;
#endif
}

typedef struct {
    int32_t rows;
    int32_t kept, new; /* samples of a row, of either input */
    int32_t first, size;
    int32_t frames, step; /* of a row; samples from one frame to the next */
} eq_signal_frame_params;

/* Of each row of kept samples joined with new ones frames of `size` samples, the first one from the index `first` on.
 */
void eq_signal_frame_ref(const eq_signal_frame_params *p, const int16_t *kept, const int16_t *input, int16_t *output);

typedef struct {
    int32_t rows, size, shift;
    const int16_t *weights;
} eq_signal_window_params;

/* Samples times weights / 2^shift, rounded down, saturating. */
void eq_signal_window_ref(const eq_signal_window_params *p, const int16_t *input, int16_t *output);

typedef struct {
    int32_t rows, size;
} eq_fft_auto_scale_params;

/* Rows times 2^k, so that the greatest absolute value has 15 bits; their k. */
void eq_fft_auto_scale_ref(const eq_fft_auto_scale_params *p, const int16_t *input, int16_t *output, int32_t *bits);

typedef struct {
    int32_t rows;
    int32_t size;                             /* samples of a row; zeros follow up to 2 * half */
    int32_t half;                             /* length of the complex transform */
    const int16_t *twiddles, *super_twiddles; /* (half, 2), (half / 2, 2): real and imaginary parts */
} eq_rfft_params;

/* The first half + 1 values (rows, half + 1, 2) of the transform of samples (rows, size), divided by 2 * half. */
void eq_rfft_ref(const eq_rfft_params *p, const int16_t *input, int16_t *output);

typedef eq_rfft_params eq_irfft_params;

/* The samples (rows, 2 * half) of spectra (rows, half + 1, 2), divided by half. scratch: int16_t (2 * half). */
void eq_irfft_ref(const eq_irfft_params *p, const int16_t *input, int16_t *output, void *scratch);

typedef struct {
    int32_t rows;
    int32_t frames, size; /* of a row */
    int32_t step;         /* samples from one frame to the next */
} eq_overlap_add_params;

/* Frames (rows, frames, size) added where they overlap (rows, frames * step), and what is left (rows, size). */
void eq_overlap_add_ref(const eq_overlap_add_params *p, const int16_t *input, const int16_t *before, int16_t *output,
                        int16_t *after);

typedef struct {
    int32_t first, need, step; /* frames: as how many the first counts, how many are enough, how many are then taken */
} eq_signal_count_params;

/* Whether frames that are counted from 1 on are enough with one more, and the next count. */
void eq_signal_count_ref(const eq_signal_count_params *p, const int32_t *held, int32_t *enough, int32_t *next);

typedef struct {
    int32_t kept, size; /* samples of what is kept, and of a frame */
} eq_signal_stack_params;

/* Kept frames and a new one, which stands for those where the count is 0. */
void eq_signal_stack_ref(const eq_signal_stack_params *p, const int16_t *kept, const int16_t *input,
                         const int32_t *count, int16_t *output);

typedef struct {
    int32_t rows, bins, start, end;
} eq_energy_params;

/* real^2 + imaginary^2 (rows, bins) of (rows, bins, 2) for bins from start to below end, else 0. */
void eq_energy_ref(const eq_energy_params *p, const int16_t *input, int32_t *output);

typedef struct {
    int32_t rows, bins, bands;
    const int16_t *starts, *firsts, *widths; /* bands + 1 each */
    const uint16_t *weights, *unweights;
} eq_filter_bank_params;

/* Sums over bands (rows, bands, 2), the lower word first, of energies (rows, bins). */
void eq_filter_bank_ref(const eq_filter_bank_params *p, const int32_t *input, int32_t *output);

typedef struct {
    int32_t rows, bands;
} eq_filter_bank_square_root_params;

/* Square roots (rows, bands) of sums (rows, bands, 2), rounded to nearest, divided by 2^bits of their row. */
void eq_filter_bank_square_root_ref(const eq_filter_bank_square_root_params *p, const int32_t *input,
                                    const int32_t *bits, int32_t *output);

typedef struct {
    int32_t rows, bands;
    int32_t smoothing[2], kept[2]; /* of bands of even and odd index */
    int32_t least, smoothing_bits, bits, clamping;
} eq_spectral_subtraction_params;

/* Bands less their noise, and the new estimates of it, all (rows, bands). */
void eq_spectral_subtraction_ref(const eq_spectral_subtraction_params *p, const int32_t *input, const int32_t *noise,
                                 int32_t *output, int32_t *estimates);

typedef struct {
    int32_t count, shift;
    const int16_t *table; /* for 0, 1 and 2, then four for each power of two, the last of which is not used */
} eq_pcan_params;

/* Bands times a gain that depends on their noise, squeezed. */
void eq_pcan_ref(const eq_pcan_params *p, const int32_t *input, const int32_t *noise, int32_t *output);

typedef struct {
    int32_t count, scale;
    int32_t left, right;  /* by how many bits bands are shifted before */
    const int16_t *table; /* log2(1 + f) - f in 65536ths, at 129 places of f from 0 to 1 */
} eq_filter_bank_log_params;

/* scale * ln(band), from 0 to 32767. */
void eq_filter_bank_log_ref(const eq_filter_bank_log_params *p, const int32_t *input, int32_t *output);

#endif
