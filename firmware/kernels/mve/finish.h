/* Sums of channels to bytes: requantization of what the micro-kernels leave. */
#ifndef EQ_MVE_FINISH_H
#define EQ_MVE_FINISH_H

#include "requant.h"

/* Where pixels go and how they are clamped. */
typedef struct {
    int32_t count;      /* pixels, at least one */
    int32_t step;       /* bytes from one to the next */
    int32_t bytes;      /* of each that are written: 1 to 16 */
    int32_t zero_point; /* then qmin and qmax, or all that a byte holds */
    int32_t qmin, qmax;
} eq_finish;

#if EQ_MVE_NATIVE

/* Blocks of 16 channels, in the order of requant.h, whose sums follow each other. */
void eq_finish_blocks_mve(const int32_t *sums, const int32_t *multiplier, int8_t *out, const eq_finish *f);

/* Up to 16 channels in order; sums of the next pixel 16 further. */
void eq_finish_few_mve(const int32_t *sums, const int32_t *multiplier, int8_t *out, const eq_finish *f);

/* Channels of one pixel in order: any number of f->bytes. */
void eq_finish_row_mve(const int32_t *sums, const int32_t *multiplier, int8_t *out, const eq_finish *f);

#endif

EQ_INLINE eq_output eq_output_of(const eq_finish *f)
{
    const eq_output q = {f->zero_point, f->qmin, f->qmax};
    return q;
}

/* The same in any rounding. */
EQ_INLINE void eq_finish_blocks(const int32_t *sums, const int32_t *multiplier, const int32_t *shift, int8_t *out,
                                const eq_finish *f, eq_rounding rounding)
{
#if EQ_MVE_NATIVE
    if (rounding == EQ_FAST) {
        eq_finish_blocks_mve(sums, multiplier, out, f);
        return;
    }
#endif
    for (int32_t i = 0; i < f->count; i++, sums += 16, out += f->step) {
        const eq_s8x16 r = eq_requantize_16(eq_load_s32x16(sums), multiplier, shift, eq_output_of(f), rounding);
        eq_store_s8_n(out, r, f->bytes);
    }
}

EQ_INLINE void eq_finish_few(const int32_t *sums, const int32_t *multiplier, const int32_t *shift, int8_t *out,
                             const eq_finish *f, eq_rounding rounding)
{
#if EQ_MVE_NATIVE
    if (rounding == EQ_FAST) {
        eq_finish_few_mve(sums, multiplier, out, f);
        return;
    }
#endif
    for (int32_t c = 0; c < f->bytes; c += 4) {
        for (int32_t i = 0; i < f->count; i++) {
            eq_requantize_4(out + i * f->step + c, eq_load_s32(sums + i * 16 + c), multiplier + c,
                            eq_shift_at(shift, c, rounding), eq_output_of(f), f->bytes - c, rounding);
        }
    }
}

EQ_INLINE void eq_finish_row(const int32_t *sums, const int32_t *multiplier, const int32_t *shift, int8_t *out,
                             const eq_finish *f, eq_rounding rounding)
{
#if EQ_MVE_NATIVE
    if (rounding == EQ_FAST) {
        eq_finish_row_mve(sums, multiplier, out, f);
        return;
    }
#endif
    for (int32_t c = 0; c < f->bytes; c += 4) {
        eq_requantize_4(out + c, eq_load_s32(sums + c), multiplier + c, eq_shift_at(shift, c, rounding),
                        eq_output_of(f), f->bytes - c, rounding);
    }
}

#endif
