/* Requantization of vectors of sums: eq_requantize of eq/requant.h, four lanes at once.
 *
 * Factors are below 1, with _single and _double below 1/2, so that no sum is shifted to the left. */
#ifndef EQ_NEON_REQUANT_H
#define EQ_NEON_REQUANT_H

#include "eq/neon.h"
#include "eq/requant.h"

/* What the sums of one kernel become: zero_point + sum * factor, clamped. */
typedef struct {
    int16x8_t zero_point;
    int8x16_t qmin, qmax;
    int32_t clamps; /* whether they are more than what int8 holds */
    int32_t small;  /* whether all scaled sums fit 16 bits */
} eq_output;

EQ_INLINE eq_output eq_output_of(int32_t zero_point, int32_t qmin, int32_t qmax)
{
    const eq_output o = {vdupq_n_s16((int16_t)zero_point), vdupq_n_s8((int8_t)qmin), vdupq_n_s8((int8_t)qmax),
                         qmin > -128 || qmax < 127, 0};
    return o;
}

/* sums * factor. FAST: factor is m * 2^31. SINGLE, DOUBLE: factor is the mantissa and shift the exponent, -31 ... -1.
 */
EQ_INLINE int32x4_t eq_scale(int32x4_t sums, int32x4_t factor, int32x4_t shift, eq_rounding rounding)
{
    if (rounding == EQ_FAST) {
        return vqrdmulhq_s32(sums, factor);
    }
    if (rounding == EQ_SINGLE) { /* rounded down by whole 2^31ths first, which the one rounding does not see */
        return vrshlq_s32(vqdmulhq_s32(sums, factor), shift);
    }
    const int32x4_t high = vqrdmulhq_s32(sums, factor);
    return vrshlq_s32(vsraq_n_s32(high, high, 31), shift);
}

/* Two vectors of scaled sums as halves. Saturation changes nothing: beyond 16 bits all outputs are clamped. */
EQ_INLINE int16x8_t eq_halves_of(int32x4_t a, int32x4_t b)
{
#if EQ_A64
    return vqmovn_high_s32(vqmovn_s32(a), b);
#else
    return vcombine_s16(vqmovn_s32(a), vqmovn_s32(b));
#endif
}

/* Sixteen scaled sums as outputs that are still to be clamped. */
EQ_INLINE int8x16_t eq_wide_outputs(int32x4_t a, int32x4_t b, int32x4_t c, int32x4_t d, const eq_output *o)
{
    const int16x8_t low = vqaddq_s16(eq_halves_of(a, b), o->zero_point);
    const int16x8_t high = vqaddq_s16(eq_halves_of(c, d), o->zero_point);
#if EQ_A64
    return vqmovn_high_s16(vqmovn_s16(low), high);
#else
    return vcombine_s8(vqmovn_s16(low), vqmovn_s16(high));
#endif
}

/* The same of scaled sums that fit 16 bits. */
EQ_INLINE int8x16_t eq_small_outputs(int32x4_t a, int32x4_t b, int32x4_t c, int32x4_t d, const eq_output *o)
{
#if EQ_A64
    const int16x8_t low = vuzp1q_s16(vreinterpretq_s16_s32(a), vreinterpretq_s16_s32(b));
    const int16x8_t high = vuzp1q_s16(vreinterpretq_s16_s32(c), vreinterpretq_s16_s32(d));
    return vqmovn_high_s16(vqmovn_s16(vqaddq_s16(low, o->zero_point)), vqaddq_s16(high, o->zero_point));
#else
    return eq_wide_outputs(a, b, c, d, o);
#endif
}

EQ_INLINE int8x16_t eq_clamped(int8x16_t a, const eq_output *o)
{
    return vminq_s8(vmaxq_s8(a, o->qmin), o->qmax);
}

/* Sixteen scaled sums as outputs. */
EQ_INLINE int8x16_t eq_outputs(int32x4_t a, int32x4_t b, int32x4_t c, int32x4_t d, const eq_output *o)
{
    return eq_clamped(eq_wide_outputs(a, b, c, d, o), o);
}

/* Eight bytes, or only the first `count` of them if that is less. */
EQ_INLINE void eq_store_eight(int8_t *to, int8x8_t bytes, int32_t count)
{
    if (count >= 8) {
        vst1_s8(to, bytes);
        return;
    }
    if ((count & 4) != 0) {
        const int32_t four = vget_lane_s32(vreinterpret_s32_s8(bytes), 0);
        memcpy(to, &four, sizeof four); /* not VST1, which Clang lets ask for an aligned address */
        bytes = vext_s8(bytes, bytes, 4);
        to += 4;
    }
    if ((count & 2) != 0) {
        const int16_t two = vget_lane_s16(vreinterpret_s16_s8(bytes), 0);
        memcpy(to, &two, sizeof two);
        bytes = vext_s8(bytes, bytes, 2);
        to += 2;
    }
    if ((count & 1) != 0) {
        vst1_lane_s8(to, bytes, 0);
    }
}

#endif
