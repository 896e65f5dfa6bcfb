#include "eq/masked_softmax.h"
#include "eq/gemmlowp.h"
#include "eq/requant.h"

/* The runs of one row, and what is subtracted from an element: -1 keeps the difference to the maximum, 0 drops it. */
typedef struct {
    const uint16_t *begin, *end;
    int32_t keep;
} row_mask;

static inline row_mask mask_of(const int32_t *first, const uint16_t *spans, int32_t row)
{
    const row_mask m = {spans + 2 * (first[row] >> 1), spans + 2 * (first[row + 1] >> 1), (first[row] & 1) ? 0 : -1};
    return m;
}

static inline int32_t maximum_of(row_mask m, const int8_t *input)
{
    int32_t maximum = -128;
    for (const uint16_t *span = m.begin; span < m.end; span += 2) {
        for (int32_t i = span[0]; i < span[1]; i++) {
            if (input[i] > maximum) {
                maximum = input[i];
            }
        }
    }
    return maximum;
}

static void row_fast(const eq_masked_softmax_fast_params *p, row_mask m, const int8_t *input, int8_t *output)
{
    const int32_t maximum = maximum_of(m, input);
    uint32_t sum = 0;
    for (const uint16_t *span = m.begin; span < m.end; span += 2) {
        for (int32_t i = span[0]; i < span[1]; i++) {
            sum += p->exponentials[(maximum - input[i]) & m.keep];
        }
    }
    sum <<= p->shift;
    int32_t i = 0;
    for (const uint16_t *span = m.begin; span < m.end; span += 2) {
        for (; i < span[0]; i++) {
            output[i] = (int8_t)p->zero_point;
        }
        for (; i < span[1]; i++) {
            const uint32_t e = p->exponentials[(maximum - input[i]) & m.keep];
            const int32_t q = (int32_t)((e * (uint32_t)p->factor + (sum >> 1)) / sum);
            output[i] = (int8_t)eq_clamp(q + p->zero_point, -128, 127);
        }
    }
    for (; i < p->columns; i++) {
        output[i] = (int8_t)p->zero_point;
    }
}

static void row_double(const eq_masked_softmax_double_params *p, row_mask m, const int8_t *input, int8_t *output)
{
    const int32_t maximum = maximum_of(m, input);
    uint32_t sum = 0;
    for (const uint16_t *span = m.begin; span < m.end; span += 2) {
        for (int32_t i = span[0]; i < span[1]; i++) {
            sum += ((uint32_t)p->exponentials[(maximum - input[i]) & m.keep] + (1U << 11)) >> 12;
        }
    }
    int32_t above_one;
    const int32_t scale = eq_reciprocal((int32_t)sum, 12, &above_one);
    const int32_t shift = above_one + 23 < 31 ? above_one + 23 : 31;
    int32_t i = 0;
    for (const uint16_t *span = m.begin; span < m.end; span += 2) {
        for (; i < span[0]; i++) {
            output[i] = -128;
        }
        for (; i < span[1]; i++) {
            const int32_t product = eq_doubling_high_multiply(scale, p->exponentials[(maximum - input[i]) & m.keep]);
            output[i] = (int8_t)eq_clamp(eq_rounding_divide_by_pot(product, shift) - 128, -128, 127);
        }
    }
    for (; i < p->columns; i++) {
        output[i] = -128;
    }
}

#define DEFINE(kind)                                                                                                   \
    void eq_masked_softmax_ref_##kind(const eq_masked_softmax_##kind##_params *p, const int8_t *input, int8_t *output) \
    {                                                                                                                  \
        for (int32_t a = 0; a < p->outer; a++) {                                                                       \
            for (int32_t b = 0; b < p->repeat; b++) {                                                                  \
                for (int32_t c = 0; c < p->inner; c++, input += p->columns, output += p->columns) {                    \
                    row_##kind(p, mask_of(p->first, p->spans, a * p->inner + c), input, output);                       \
                }                                                                                                      \
            }                                                                                                          \
        }                                                                                                              \
    }
DEFINE(fast)
DEFINE(double)
