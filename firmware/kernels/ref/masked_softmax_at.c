#include "eq/gemmlowp.h"
#include "eq/masked_softmax.h"
#include "eq/requant.h"

/* What a row of the mask says: elements of at least `least` count; `keep` is -1, or 0 where all of them count alike. */
typedef struct {
    const int32_t *mask;
    int32_t least, keep, maximum;
} row_at;

static row_at row_of(const int32_t *mask, const int8_t *input, int32_t columns)
{
    row_at row = {mask, INT32_MIN, -1, -128};
    for (int32_t i = 0; i < columns; i++) {
        if (mask[i] > 0) {
            row.least = 1;
            row.keep = mask[i] > 1 ? 0 : row.keep;
            row.maximum = input[i] > row.maximum ? input[i] : row.maximum;
        }
    }
    row.keep = row.least == 1 ? row.keep : 0;
    return row;
}

static inline int32_t difference(const row_at *row, int8_t x)
{
    return (row->maximum - x) & row->keep;
}

static void row_fast(const eq_masked_softmax_at_fast_params *p, row_at row, const int8_t *input, int8_t *output)
{
    uint32_t sum = 0;
    for (int32_t i = 0; i < p->columns; i++) {
        if (row.mask[i] >= row.least) {
            sum += p->exponentials[difference(&row, input[i])];
        }
    }
    sum <<= p->shift;
    for (int32_t i = 0; i < p->columns; i++) {
        int32_t q = 0;
        if (row.mask[i] >= row.least) {
            const uint32_t e = p->exponentials[difference(&row, input[i])];
            q = (int32_t)((e * (uint32_t)p->factor + (sum >> 1)) / sum);
        }
        output[i] = (int8_t)eq_clamp(q + p->zero_point, -128, 127);
    }
}

static void row_double(const eq_masked_softmax_at_double_params *p, row_at row, const int8_t *input, int8_t *output)
{
    uint32_t sum = 0;
    for (int32_t i = 0; i < p->columns; i++) {
        if (row.mask[i] >= row.least) {
            sum += ((uint32_t)p->exponentials[difference(&row, input[i])] + (1U << 11)) >> 12;
        }
    }
    int32_t above_one;
    const int32_t scale = eq_reciprocal((int32_t)sum, 12, &above_one);
    const int32_t shift = above_one + 23 < 31 ? above_one + 23 : 31;
    for (int32_t i = 0; i < p->columns; i++) {
        int32_t q = 0;
        if (row.mask[i] >= row.least) {
            const int32_t e = p->exponentials[difference(&row, input[i])];
            q = eq_rounding_divide_by_pot(eq_doubling_high_multiply(scale, e), shift);
        }
        output[i] = (int8_t)eq_clamp(q - 128, -128, 127);
    }
}

#define DEFINE(kind)                                                                                                   \
    void eq_masked_softmax_at_ref_##kind(const eq_masked_softmax_at_##kind##_params *p, const int8_t *input,           \
                                         const int32_t *mask, int8_t *output)                                          \
    {                                                                                                                  \
        for (int32_t a = 0; a < p->outer; a++, mask += p->inner * p->columns) {                                        \
            for (int32_t b = 0; b < p->repeat; b++) {                                                                  \
                for (int32_t c = 0; c < p->inner; c++, input += p->columns, output += p->columns) {                    \
                    row_##kind(p, row_of(mask + c * p->columns, input, p->columns), input, output);                    \
                }                                                                                                      \
            }                                                                                                          \
        }                                                                                                              \
    }
DEFINE(fast)
DEFINE(double)
