#include "eq/resize.h"

#include <string.h>

void eq_resize_nearest_int16_ref(const eq_resize_nearest_params *p, const int16_t *input, int16_t *output)
{
    for (int32_t n = 0; n < p->batch; n++, input += p->in_h * p->in_w * p->channels) {
        for (int32_t y = 0; y < p->out_h; y++) {
            const int16_t *row = input + p->rows[y] * p->in_w * p->channels;
            for (int32_t x = 0; x < p->out_w; x++, output += p->channels) {
                memmove(output, row + p->columns[x] * p->channels, (size_t)p->channels * sizeof *output);
            }
        }
    }
}

static inline int16_t rounded(const eq_resize_bilinear_params *p, int64_t total)
{
    const int32_t shift = 2 * p->bits;
    const int64_t half = (int64_t)1 << (shift - 1);
    const int64_t result = p->away && total < 0 ? -((half - total) >> shift) : (total + half) >> shift;
    return (int16_t)result;
}

static inline void interpolate(const eq_resize_bilinear_params *p, const int16_t *input, int32_t y, int32_t x,
                               int16_t *output)
{
    const int32_t unit = 1 << p->bits, down = p->row_weight[y], right = p->column_weight[x];
    const int16_t *upper_row = input + p->row_lower[y] * p->in_w * p->channels;
    const int16_t *lower_row = input + p->row_upper[y] * p->in_w * p->channels;
    const int32_t left_column = p->column_lower[x] * p->channels, right_column = p->column_upper[x] * p->channels;
    for (int32_t c = 0; c < p->channels; c++) {
        const int32_t above = upper_row[left_column + c] * (unit - right) + upper_row[right_column + c] * right;
        const int32_t below = lower_row[left_column + c] * (unit - right) + lower_row[right_column + c] * right;
        output[c] = rounded(p, (int64_t)above * (unit - down) + (int64_t)below * down);
    }
}

void eq_resize_bilinear_int16_ref(const eq_resize_bilinear_params *p, const int16_t *input, int16_t *output)
{
    for (int32_t n = 0; n < p->batch; n++, input += p->in_h * p->in_w * p->channels) {
        for (int32_t y = 0; y < p->out_h; y++) {
            for (int32_t x = 0; x < p->out_w; x++, output += p->channels) {
                interpolate(p, input, y, x, output);
            }
        }
    }
}
