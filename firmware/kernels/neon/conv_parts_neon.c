/* Convolutions made of others, with the sums of sums_neon.h. */
#include "sums_neon.h"

#include "tiles.h"

#include "conv_parts.h"

#define EQ_DEFINE(suffix, rounding)                                                                                    \
    void eq_conv_parts_neon_##suffix(const eq_conv_parts_neon_params *p, const int8_t *input, int8_t *output,          \
                                     void *scratch)                                                                    \
    {                                                                                                                  \
        eq_conv_parts(p, input, output, scratch, rounding);                                                            \
    }
EQ_FOR_EACH_ROUNDING(EQ_DEFINE)
