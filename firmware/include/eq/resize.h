/* Resizing NHWC int8 images. */
#ifndef EQ_RESIZE_H
#define EQ_RESIZE_H

#include <stdint.h>

typedef struct {
    int32_t batch, in_h, in_w, out_h, out_w, channels;
    const int16_t *rows, *columns; /* of the input, for each of the output */
} eq_resize_nearest_params;

typedef struct {
    int32_t batch, in_h, in_w, out_h, out_w, channels;
    /* For each row and column of the output two of the input, and the weight of the upper one. */
    const int16_t *row_lower, *row_upper, *row_weight;
    const int16_t *column_lower, *column_upper, *column_weight;
    int32_t bits; /* of the weights, at most 11 */
    int32_t away; /* halves are rounded 0: up, 1: away from zero */
} eq_resize_bilinear_params;

void eq_resize_nearest_ref(const eq_resize_nearest_params *p, const int8_t *input, int8_t *output);
void eq_resize_bilinear_ref(const eq_resize_bilinear_params *p, const int8_t *input, int8_t *output);

#endif
