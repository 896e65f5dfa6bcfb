/* Weights of 2 bits and of 1, as eq/gemm_narrow_dsp.h has them. */
#ifndef EQ_DSP_FIELDS_H
#define EQ_DSP_FIELDS_H

#include "eq/dsp.h"
#include "inline.h"

/* Twice what pair `index` of a word stores, for 1 bit four times: twice the weights and EQ_FIELD_OFFSET more. One
 * instruction shifts and masks. */
EQ_INLINE int32_t eq_dsp_field(uint32_t word, int32_t index, int32_t bits)
{
    const int32_t at = bits * index, to = 3 - bits;
    const uint32_t mask = bits == 2 ? 0x00060006U : 0x00040004U;
    return (int32_t)((at <= to ? word << (to - at) : word >> (at - to)) & mask);
}

#define EQ_FIELD_OFFSET(bits) (2 * (bits))

#endif
