/* Windows times weights with SDOT: four products each of four taps.
 *
 * Weights are, per block of channels, per four taps: four of each channel. */
#include "sums_dotprod.h"

#include "tiles.h"

#include "conv2d.h"

#define EQ_DEFINE(suffix, rounding)                                                                                    \
    void eq_conv2d_dotprod_##suffix(const eq_conv2d_neon_params *p, const int8_t *input, int8_t *output,               \
                                    void *scratch)                                                                     \
    {                                                                                                                  \
        eq_conv2d(p, input, output, scratch, rounding);                                                                \
    }
EQ_FOR_EACH_ROUNDING(EQ_DEFINE)
