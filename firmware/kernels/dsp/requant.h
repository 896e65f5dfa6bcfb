/* eq_multiply and eq_requantize with the multiplications of the DSP extension, the same bits. */
#ifndef EQ_DSP_REQUANT_H
#define EQ_DSP_REQUANT_H

#include "eq/dsp.h"
#include "eq/requant.h"
#include "inline.h"

/* eq_multiply, within ±2^30. Where the factor is below 1/2 (1/4 with one rounding), as nearly all are, nothing can
 * saturate: the sum of the product and a rounding fits into 32 bits, and so does the result with a zero-point. A
 * mantissa with a negative shift is 2^30 at least: doubled modulo 2^32 it is 2^32 too small, which adding the
 * accumulator to the upper half puts right. */
EQ_INLINE int32_t eq_dsp_multiply(int32_t acc, int32_t mantissa, int32_t shift, eq_rounding rounding)
{
    if (rounding == EQ_DOUBLE && shift < 0) {
        const int32_t high = eq_smmlar(acc, (int32_t)((uint32_t)mantissa << 1), acc);
        return (((high + (high >> 31)) >> (-shift - 1)) + 1) >> 1;
    }
    if (rounding == EQ_SINGLE && shift < -1) {
        const int32_t right = -1 - shift;
        return ((int32_t)((int64_t)acc * mantissa >> 32) + (1 << (right - 1))) >> right;
    }
    return eq_clamp(eq_multiply(acc, mantissa, shift, rounding), -(1 << 30), 1 << 30);
}

EQ_INLINE int8_t eq_dsp_requantize(int32_t acc, int32_t mantissa, int32_t shift, int32_t zero_point, int32_t qmin,
                                   int32_t qmax, eq_rounding rounding)
{
    return (int8_t)eq_clamp(eq_dsp_multiply(acc, mantissa, shift, rounding) + zero_point, qmin, qmax);
}

#endif
