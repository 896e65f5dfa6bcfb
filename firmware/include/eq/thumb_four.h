/* The end of fully connected layers that make the sums of four channels at once. */
#ifndef EQ_THUMB_FOUR_H
#define EQ_THUMB_FOUR_H

#include "eq/thumb.h"

/* Writes the outputs of `some` of four channels from c on: `p` has factors, shifts and bounds, `direct` says whether
 * eq_thumb_store takes them. */
#define EQ_THUMB_STORE_FOUR(p, sums, output, c, some, direct, rounding)                                                \
    do {                                                                                                               \
        if (direct) {                                                                                                  \
            const eq_thumb_outputs outputs = {0, 1, eq_thumb_rounding((p)->zero_point), (p)->qmin, (p)->qmax, 4};      \
            eq_thumb_store(&outputs, sums, (p)->mantissa + (c), (output) + (c), some);                                 \
        } else {                                                                                                       \
            for (int32_t i = 0; i < (some); i++) {                                                                     \
                (output)[(c) + i] = eq_requantize((sums)[i], (p)->mantissa[(c) + i], (p)->shift[(c) + i],              \
                                                  (p)->zero_point, (p)->qmin, (p)->qmax, rounding);                    \
            }                                                                                                          \
        }                                                                                                              \
    } while (0)

#endif
