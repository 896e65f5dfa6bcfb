/* Resizing NHWC images of int8, int16 or float32. */
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

/* Float32 with a stated order of operations, see float32.h. */
typedef struct {
    int32_t batch, in_h, in_w, out_h, out_w, channels;
    /* For each row and column of the output two of the input, the weight of the upper one and that of the lower one. */
    const int16_t *row_lower, *row_upper, *column_lower, *column_upper;
    const float *row_weight, *row_rest, *column_weight, *column_rest;
} eq_resize_bilinear_float32_params;

void eq_resize_nearest_ref(const eq_resize_nearest_params *p, const int8_t *input, int8_t *output);
void eq_resize_bilinear_ref(const eq_resize_bilinear_params *p, const int8_t *input, int8_t *output);
void eq_resize_bilinear_legacy_ref(const eq_resize_bilinear_float32_params *p, const int8_t *input, int8_t *output);
void eq_resize_nearest_int16_ref(const eq_resize_nearest_params *p, const int16_t *input, int16_t *output);
void eq_resize_bilinear_int16_ref(const eq_resize_bilinear_params *p, const int16_t *input, int16_t *output);
void eq_resize_nearest_float32_ref(const eq_resize_nearest_params *p, const float *input, float *output);
void eq_resize_bilinear_float32_ref(const eq_resize_bilinear_float32_params *p, const float *input, float *output);

#endif
