/* eq_requantize with the multiplications of the DSP extension, the same bits. */
#ifndef EQ_DSP_REQUANT_H
#define EQ_DSP_REQUANT_H

#include "eq/dsp.h"
#include "eq/requant.h"
#include "inline.h"

/* Where the factor is below 1/2 (1/4 with one rounding), as nearly all are, nothing can saturate: the sum of the
 * product and a rounding fits into 32 bits, and so does the result with the zero-point. A mantissa with a negative
 * shift is 2^30 at least: doubled modulo 2^32 it is 2^32 too small, which adding the accumulator to the upper half puts
 * right. */
EQ_INLINE int8_t eq_dsp_requantize(int32_t acc, int32_t mantissa, int32_t shift, int32_t zero_point, int32_t qmin,
                                   int32_t qmax, eq_rounding rounding)
{
    if (rounding == EQ_DOUBLE && shift < 0) {
        const int32_t high = eq_smmlar(acc, (int32_t)((uint32_t)mantissa << 1), acc);
        const int32_t scaled = (((high + (high >> 31)) >> (-shift - 1)) + 1) >> 1;
        return (int8_t)eq_clamp(scaled + zero_point, qmin, qmax);
    }
    if (rounding == EQ_SINGLE && shift < -1) {
        const int32_t right = -1 - shift;
        const int32_t scaled = ((int32_t)((int64_t)acc * mantissa >> 32) + (1 << (right - 1))) >> right;
        return (int8_t)eq_clamp(scaled + zero_point, qmin, qmax);
    }
    return eq_requantize(acc, mantissa, shift, zero_point, qmin, qmax, rounding);
}

#endif
