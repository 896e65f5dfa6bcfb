/* Parts of the kernels for Armv7-M without the DSP extension: products of 64 bits, but no SIMD. */
#ifndef EQ_THUMB2_H
#define EQ_THUMB2_H

#include "eq/requant.h"

#if defined(__thumb2__)
#define EQ_THUMB2_NATIVE 1
#else
#define EQ_THUMB2_NATIVE 0
#endif

/* Bits between the two lanes of a word (see eq/thumb_tile.h): as many as leave room for -128 in the upper one beside a
 * negative lower one. */
#define EQ_THUMB2_LANE 23

/* Multiplies a tile by the weights of some channels: per channel four 64-bit sums of word times weight. The sum of the
 * lower lane must stay within 23 bits.
 *
 * tile: k steps; k is not 0. weights: k per channel. sums: four per channel, which are set. */
void eq_thumb2_gemm(const int32_t *tile, const int8_t *weights, int64_t *sums, int32_t k, int32_t channels);

/* Twice the sums of both lanes, which are `lane` bits apart, added to something. */
static inline int32_t eq_thumb2_lower(int64_t sum, int32_t lane, int32_t to)
{
    return to + ((int32_t)((uint32_t)sum << (32 - lane)) >> (31 - lane));
}

static inline int32_t eq_thumb2_upper(int64_t sum, int32_t lane, int32_t to)
{
#if EQ_THUMB2_NATIVE && defined(__OPTIMIZE__) /* `lane` is a constant only where this is inlined */
    int32_t r;
    __asm__("lsrs %0, %1, %3\n\t"
            "adc %0, %0, %2, lsl %4"
            : "=&r"(r)
            : "r"((int32_t)(uint32_t)sum), "r"((int32_t)(sum >> 32)), "n"(lane), "n"(32 - lane)
            : "cc");
    return to + r * 2;
#else
    return to + (int32_t)((sum + ((int64_t)1 << (lane - 1))) >> lane) * 2;
#endif
}

/* zero_point + round(twice_acc * mantissa / 2^32), halves up. */
static inline int32_t eq_thumb2_scale(int32_t twice_acc, int32_t mantissa, int32_t zero_point)
{
#if EQ_THUMB2_NATIVE
    int32_t low, high;
    __asm__("smull %0, %1, %2, %3\n\t"
            "adds %0, %0, %0\n\t"
            "adc %1, %1, %4"
            : "=&r"(low), "=&r"(high)
            : "r"(twice_acc), "r"(mantissa), "r"(zero_point)
            : "cc");
    return high;
#else
    return zero_point + (int32_t)(((int64_t)twice_acc * mantissa + ((int64_t)1 << 31)) >> 32);
#endif
}

/* Clamped to -128 ... 127. */
static inline int32_t eq_thumb2_ssat8(int32_t x)
{
#if EQ_THUMB2_NATIVE
    int32_t r;
    __asm__("ssat %0, #8, %1" : "=r"(r) : "r"(x));
    return r;
#else
    return eq_clamp(x, -128, 127);
#endif
}

/* One channel's way from sums to outputs. */
typedef struct {
    int32_t twice_bias, mantissa, shift, zero_point, qmin, qmax;
    int direct; /* fast rounding, no shift, and no bounds but int8's */
} eq_thumb2_finish;

/* A struct of parameters with the usual members becomes what one of its channels needs. */
#define EQ_THUMB2_FINISH(p, channel, rounding)                                                                         \
    {(int32_t)((uint32_t)(p)->bias[channel] << 1),                                                                     \
     (p)->mantissa[channel],                                                                                           \
     (p)->shift[channel],                                                                                              \
     (p)->zero_point,                                                                                                  \
     (p)->qmin,                                                                                                        \
     (p)->qmax,                                                                                                        \
     (rounding) == EQ_FAST && (p)->shift[channel] == 0 && (p)->qmin == -128 && (p)->qmax == 127}

/* The output of twice an accumulator, bias included; the accumulator is less than 2^29. */
static inline int8_t eq_thumb2_direct(const eq_thumb2_finish *f, int32_t twice_acc)
{
    return (int8_t)eq_thumb2_ssat8(eq_thumb2_scale(twice_acc, f->mantissa, f->zero_point));
}

static inline int8_t eq_thumb2_rounded(const eq_thumb2_finish *f, int32_t twice_acc, eq_rounding rounding)
{
    if (rounding == EQ_FAST && f->shift == 0) {
        return (int8_t)eq_clamp(eq_thumb2_scale(twice_acc, f->mantissa, f->zero_point), f->qmin, f->qmax);
    }
    return eq_requantize(twice_acc >> 1, f->mantissa, f->shift, f->zero_point, f->qmin, f->qmax, rounding);
}

/* Whether all channels are rounded the fast way, without shifts, to all of int8. */
static inline int eq_thumb2_is_direct(eq_rounding rounding, const int8_t *shift, int32_t channels, int32_t qmin,
                                      int32_t qmax)
{
    int32_t any = rounding != EQ_FAST || qmin != -128 || qmax != 127;
    for (int32_t c = 0; c < channels && !any; c++) {
        any = shift[c];
    }
    return !any;
}

#endif
