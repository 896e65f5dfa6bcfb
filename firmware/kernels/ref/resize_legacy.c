#include "eq/resize.h"

/* An element as the unsigned number that it is in a uint8 model. */
static inline float element(int8_t q)
{
    return (float)(q + 128);
}

static inline void interpolate(const eq_resize_bilinear_float32_params *p, const int8_t *input, int32_t y, int32_t x,
                               int8_t *output)
{
    const float down = p->row_weight[y], up = p->row_rest[y], right = p->column_weight[x], left = p->column_rest[x];
    const int8_t *upper_row = input + p->row_lower[y] * p->in_w * p->channels;
    const int8_t *lower_row = input + p->row_upper[y] * p->in_w * p->channels;
    const int32_t left_column = p->column_lower[x] * p->channels, right_column = p->column_upper[x] * p->channels;
    for (int32_t c = 0; c < p->channels; c++) {
        float total = element(upper_row[left_column + c]) * up * left;
        total = total + element(lower_row[left_column + c]) * down * left;
        total = total + element(upper_row[right_column + c]) * up * right;
        total = total + element(lower_row[right_column + c]) * down * right;
        output[c] = (int8_t)((int32_t)(total + 0.5f) - 128);
    }
}

void eq_resize_bilinear_legacy_ref(const eq_resize_bilinear_float32_params *p, const int8_t *input, int8_t *output)
{
    for (int32_t n = 0; n < p->batch; n++, input += p->in_h * p->in_w * p->channels) {
        for (int32_t y = 0; y < p->out_h; y++) {
            for (int32_t x = 0; x < p->out_w; x++, output += p->channels) {
                interpolate(p, input, y, x, output);
            }
        }
    }
}
