/* Parts of the kernels for Armv6-M: 32-bit products only, no products of 64 bits, eight registers that can do
 * arithmetic. */
#ifndef EQ_THUMB_H
#define EQ_THUMB_H

#include "eq/requant.h"

/* Bits between the two lanes of a word (see eq/thumb_tile.h). */
#define EQ_THUMB_LANE 16

/* Multiplies a tile by the weights of some channels.
 *
 * Sums of a lane must stay within 16 bits, so the weights of a channel come in blocks whose sums surely do: a byte with
 * their number, then the weights; a byte 0 ends the channel. After each block both lanes are added to 32-bit sums.
 *
 * tile: as many steps as a channel has weights.
 * sums: per channel eight words, prepared by eq_thumb_start, which become the sums of pixels 0 to 7.
 * Returns the end of the weights. */
const int8_t *eq_thumb_gemm(const int32_t *tile, const int8_t *weights, int32_t *sums, int32_t channels);

/* Prepares the sums of a channel. While they grow, the first four hold whole words, both lanes and 2^15 per block, the
 * others the upper lane. */
static inline void eq_thumb_start(int32_t *sums, int32_t bias, int32_t blocks)
{
    const int32_t both = (int32_t)((uint32_t)bias * 0x10001U - ((uint32_t)blocks << 15));
    sums[0] = sums[1] = sums[2] = sums[3] = both;
    sums[4] = sums[5] = sums[6] = sums[7] = bias;
}

/* ((acc * mantissa + 2^30) >> 31) + zero_point for |acc| < 2^29 and |mantissa| < 2^31, in products of 32 bits: with
 * both operands cut into halves, acc's signed, nothing overflows, and what the lower halves' product has below 2^16 can
 * only round down. rounding: 2^14 + zero_point * 2^15. */
static inline int32_t eq_thumb_scale(int32_t acc, int32_t mantissa, int32_t rounding)
{
    const int32_t high = mantissa >> 16, low = mantissa & 0xffff;
    const int32_t acc_low = (int16_t)((uint32_t)acc & 0xffffU);
    const int32_t acc_high = (acc - acc_low) >> 16;
    const int32_t middle = ((acc_low * low) >> 16) + acc_low * high + acc_high * low + rounding;
    return (middle >> 15) + acc_high * high * 2;
}

/* Adds the products of four rows of a matrix with x to four sums. Row i starts at weights + i * step; k is not 0. */
void eq_thumb_four_rows(const int8_t *weights, const int8_t *x, int32_t k, int32_t *sums, int32_t step);

/* How sums become outputs: the fast rounding, without shifts. */
typedef struct {
    int32_t step;     /* between outputs of a channel */
    int32_t count;    /* outputs of a channel; not 0 */
    int32_t rounding; /* see eq_thumb_scale */
    int32_t qmin, qmax;
    int32_t pitch; /* bytes between the sums of channels */
} eq_thumb_outputs;

/* Stores the outputs of some channels, which are neighbours. */
void eq_thumb_store(const eq_thumb_outputs *task, const int32_t *sums, const int32_t *mantissa, int8_t *output,
                    int32_t channels);

static inline int32_t eq_thumb_rounding(int32_t zero_point)
{
    return (1 << 14) + zero_point * (1 << 15);
}

/* Whether eq_thumb_store does what a rounding asks for. */
static inline int eq_thumb_is_direct(eq_rounding rounding, const int8_t *shift, int32_t channels)
{
    int32_t any = rounding != EQ_FAST;
    for (int32_t c = 0; c < channels && !any; c++) {
        any = shift[c];
    }
    return !any;
}

#endif
