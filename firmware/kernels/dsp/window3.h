/* What computes one channel of a depthwise convolution with a window of at most 3x3. */
#ifndef EQ_DSP_WINDOW3_H
#define EQ_DSP_WINDOW3_H

#include "eq/depthwise_conv2d_dsp.h"
#include "eq/dsp.h"
#include "inline.h"
#include "requant.h"

/* Of row r of the window, left[r] pairs its first weight with its middle one, right[r] the middle one with the last. */
typedef struct {
    int32_t left[3], right[3];
    int32_t bias, mantissa, shift;
} eq_window3;

/* Bytes of nine weights. */
#define EQ_NINE(bits) ((bits) == 4 ? 5 : 9)

/* Nine weights of 4 bits, each to a byte of its own. */
EQ_INLINE void eq_unpack_nine(const int8_t *record, int8_t *weights)
{
    const uint32_t eight = (uint32_t)eq_load4(record);
    for (uint32_t k = 0; k < 8; k++) {
        weights[k] = (int8_t)((int32_t)(eight << (28 - 4 * k)) >> 28);
    }
    weights[8] = (int8_t)((int32_t)((uint32_t)record[4] << 28) >> 28);
}

/* Of the channel's record; `packed` only with EQ_FAST. */
EQ_INLINE void eq_window3_of(const eq_depthwise_conv2d_3x3_dsp_params *p, int32_t channel, eq_rounding rounding,
                             int packed, int bits, eq_window3 *w)
{
    int8_t unpacked[12] = {0};
    const int32_t rest = EQ_NINE(bits) + !packed; /* of the record, behind weights and shift */
    const int8_t *const record = p->records + (rest + p->entry.bytes) * channel;
    const eq_channel entry = eq_channel_of(p->entry, record + rest);
    const int32_t shift = packed ? 0 : record[EQ_NINE(bits)];
    if (bits == 4) {
        eq_unpack_nine(record, unpacked);
    }
    const int8_t *const weights = bits == 4 ? unpacked : record;
    w->bias = entry.bias;
    w->mantissa = entry.factor;
    w->shift = rounding == EQ_FAST ? 0 : shift;
    for (int32_t r = 0; r < 3; r++) {
        const int32_t row = eq_load4(weights + 3 * r), outer = eq_sxtb16(row), middle = eq_sxtb16_ror8(row);
        w->left[r] = eq_pkhbt(outer, middle);
        w->right[r] = eq_pkhbt(middle, outer >> 16);
    }
    if (rounding == EQ_FAST && shift) {
        const int32_t factor = 1 << shift;
        for (int32_t r = 0; r < 3; r++) {
            const int32_t middle = eq_smlabb(w->right[r], factor, 0);
            w->left[r] = eq_pkhbt(eq_smlabb(w->left[r], factor, 0), middle);
            w->right[r] = eq_pkhbt(middle, eq_smlatb(w->right[r], factor, 0));
        }
    }
}

EQ_INLINE int8_t eq_finish3(const eq_depthwise_conv2d_3x3_dsp_params *p, const eq_window3 *w, int32_t acc,
                            eq_rounding rounding)
{
    if (rounding == EQ_FAST) {
        return (int8_t)eq_ssat8(eq_smmlar(acc, w->mantissa, p->zero_point));
    }
    return eq_dsp_requantize(acc, w->mantissa, w->shift, p->zero_point, p->qmin, p->qmax, rounding);
}

#endif
