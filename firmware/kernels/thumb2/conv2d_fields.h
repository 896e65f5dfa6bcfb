/* What the convolutions with weights of 4, 2 bits and 1 share. */
#ifndef EQ_THUMB2_CONV2D_FIELDS_H
#define EQ_THUMB2_CONV2D_FIELDS_H

#include "eq/conv2d_int4_thumb.h"
#include "eq/thumb2.h"
#include "eq/thumb_int4.h"

EQ_FLATTEN void store(const eq_conv2d_int4_thumb_params *p, int32_t channel, int32_t channels, const int32_t *sums,
                      int32_t count, int8_t *output, int direct, eq_rounding rounding)
{
    const int32_t step = p->out_c;
    for (int32_t c = channel; c < channel + channels; c++, sums += EQ_TILE, output++) {
        int8_t *to = output;
        if (direct && count == EQ_TILE) {
            const int32_t mantissa = p->mantissa[c], zero_point = p->zero_point;
            for (int32_t i = 0; i < EQ_TILE; i++, to += step) {
                *to = (int8_t)eq_thumb2_ssat8(eq_thumb2_scale(sums[i] * 2, mantissa, zero_point));
            }
        } else {
            const eq_thumb2_finish finish = EQ_THUMB2_FINISH(p, c, rounding);
            for (int32_t i = 0; i < count; i++, to += step) {
                *to = eq_thumb2_rounded(&finish, sums[i] * 2, rounding);
            }
        }
    }
}

#endif
