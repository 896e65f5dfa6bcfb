#include "eq/resize.h"

#include "eq/float32.h"

void eq_resize_nearest_float32_ref(const eq_resize_nearest_params *p, const float *input, float *output)
{
    for (int32_t n = 0; n < p->batch; n++, input += p->in_h * p->in_w * p->channels) {
        for (int32_t y = 0; y < p->out_h; y++) {
            const float *row = input + p->rows[y] * p->in_w * p->channels;
            for (int32_t x = 0; x < p->out_w; x++, output += p->channels) {
                memmove(output, row + p->columns[x] * p->channels, (size_t)p->channels * sizeof *output);
            }
        }
    }
}

static inline void interpolate(const eq_resize_bilinear_float32_params *p, const float *input, int32_t y, int32_t x,
                               float *output)
{
    const float down = p->row_weight[y], up = p->row_rest[y], right = p->column_weight[x], left = p->column_rest[x];
    const float *upper_row = input + p->row_lower[y] * p->in_w * p->channels;
    const float *lower_row = input + p->row_upper[y] * p->in_w * p->channels;
    const int32_t left_column = p->column_lower[x] * p->channels, right_column = p->column_upper[x] * p->channels;
    for (int32_t c = 0; c < p->channels; c++) {
        float total = upper_row[left_column + c] * up * left;
        total = total + lower_row[left_column + c] * down * left;
        total = total + upper_row[right_column + c] * up * right;
        output[c] = eq_number(total + lower_row[right_column + c] * down * right);
    }
}

void eq_resize_bilinear_float32_ref(const eq_resize_bilinear_float32_params *p, const float *input, float *output)
{
    for (int32_t n = 0; n < p->batch; n++, input += p->in_h * p->in_w * p->channels) {
        for (int32_t y = 0; y < p->out_h; y++) {
            for (int32_t x = 0; x < p->out_w; x++, output += p->channels) {
                interpolate(p, input, y, x, output);
            }
        }
    }
}
