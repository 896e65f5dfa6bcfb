#include "eq/masked_softmax_int16.h"

static void row(const eq_softmax_int16_params *p, const int32_t *mask, const int16_t *input, int16_t *output)
{
    int32_t least = INT32_MIN, keep = -1, maximum = INT16_MIN;
    for (int32_t i = 0; i < p->columns; i++) {
        if (mask[i] > 0) {
            least = 1;
            keep = mask[i] > 1 ? 0 : keep;
            maximum = input[i] > maximum ? input[i] : maximum;
        }
    }
    keep = least == 1 ? keep : 0;
    uint32_t sum = 0;
    for (int32_t i = 0; i < p->columns; i++) {
        if (mask[i] >= least) {
            sum += eq_exponential16(p, (maximum - input[i]) & keep);
        }
    }
    const uint64_t inverse = eq_quotient31((uint32_t)p->factor, sum);
    for (int32_t i = 0; i < p->columns; i++) {
        const uint32_t e = mask[i] >= least ? eq_exponential16(p, (maximum - input[i]) & keep) : 0;
        output[i] = eq_share16(p, e, inverse);
    }
}

void eq_masked_softmax_at_int16_ref(const eq_masked_softmax_int16_params *p, const int16_t *input, const int32_t *mask,
                                    int16_t *output)
{
    const int32_t columns = p->row.columns;
    for (int32_t a = 0; a < p->outer; a++, mask += p->inner * columns) {
        for (int32_t b = 0; b < p->repeat; b++) {
            for (int32_t c = 0; c < p->inner; c++, input += columns, output += columns) {
                row(&p->row, mask + c * columns, input, output);
            }
        }
    }
}

void eq_masked_softmax_int16_ref(const eq_masked_softmax_int16_params *p, const int16_t *input, int16_t *output)
{
    eq_masked_softmax_at_int16_ref(p, input, p->mask, output);
}
