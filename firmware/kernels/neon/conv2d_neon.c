/* Windows times weights, with the sums of sums_neon.h. */
#include "sums_neon.h"

#include "tiles.h"

#include "conv2d.h"

#define EQ_DEFINE(suffix, rounding)                                                                                    \
    void eq_conv2d_neon_##suffix(const eq_conv2d_neon_params *p, const int8_t *input, int8_t *output, void *scratch)   \
    {                                                                                                                  \
        eq_conv2d(p, input, output, scratch, rounding);                                                                \
    }
EQ_FOR_EACH_ROUNDING(EQ_DEFINE)
