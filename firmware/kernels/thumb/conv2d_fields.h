/* What the convolutions with weights of 4, 2 bits and 1 share. */
#ifndef EQ_THUMB_CONV2D_FIELDS_H
#define EQ_THUMB_CONV2D_FIELDS_H

#include "eq/conv2d_int4_thumb.h"
#include "eq/thumb.h"
#include "eq/thumb_int4.h"

EQ_FLATTEN void store(const eq_conv2d_int4_thumb_params *p, int32_t channel, int32_t channels, const int32_t *sums,
                      int32_t count, int8_t *output, int direct, eq_rounding rounding)
{
    if (direct) {
        const eq_thumb_outputs outputs = {p->out_c, count,   eq_thumb_rounding(p->zero_point),
                                          p->qmin,  p->qmax, 4 * EQ_TILE};
        eq_thumb_store(&outputs, sums, p->mantissa + channel, output, channels);
        return;
    }
    for (int32_t c = channel; c < channel + channels; c++, sums += EQ_TILE, output++) {
        for (int32_t i = 0; i < count; i++) {
            output[i * p->out_c] =
                eq_requantize(sums[i], p->mantissa[c], p->shift[c], p->zero_point, p->qmin, p->qmax, rounding);
        }
    }
}

#endif
