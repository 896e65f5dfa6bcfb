/* Single int16 elements: another quantization, a tabulated function. */
#ifndef EQ_ELEMENTWISE_INT16_H
#define EQ_ELEMENTWISE_INT16_H

#include <stdint.h>

/* clamp(zero_point + (q - in_zero_point) · m, qmin, qmax); the zero-point of an int16 is 0. */
typedef struct {
    int32_t size; /* elements */
    int32_t in_zero_point;
    int32_t mantissa, shift;
    int32_t zero_point, qmin, qmax;
} eq_requantize_int16_params;

/* The result at the arguments -32768, -32768 + 64, ..., 32768; linear in between, halves are rounded upwards. */
typedef struct {
    int32_t size; /* elements */
    const int16_t *table;
} eq_table_int16_params;

/* The same as TensorFlow Lite has it: at -32768, -32768 + 128, ..., and at 32767 for 32768; differences wrap around. */
typedef struct {
    int32_t size; /* elements */
    const int16_t *table;
} eq_table_int16_double_params;

/* One factor from zero on, another one, perhaps negative, below. */
typedef struct {
    int32_t size; /* elements */
    int32_t mantissa, shift;
    int32_t sign_below, mantissa_below, shift_below;
} eq_leaky_relu_int16_params;

/* The logistic function, with 15 fraction bits, and tanh: `table` has its values at 0, 1/24, ..., 255/24, with 16
 * fraction bits, between which both are interpolated; an input becomes (q · factor + 2^(shift - 1)) >> shift, of which
 * 12 · 2^10 are 1. */
typedef struct {
    int32_t size; /* elements */
    const uint16_t *table;
    int32_t factor, shift;
} eq_sigmoid_int16_params;

/* Between types of one size the output may be the input. */
void eq_requantize_int16_ref(const eq_requantize_int16_params *p, const int16_t *input, int16_t *output);
void eq_requantize_to_int16_ref(const eq_requantize_int16_params *p, const int8_t *input, int16_t *output);
void eq_requantize_from_int16_ref(const eq_requantize_int16_params *p, const int16_t *input, int8_t *output);
void eq_requantize_int16_ref_double(const eq_requantize_int16_params *p, const int16_t *input, int16_t *output);
void eq_abs_int16_ref_double(const eq_requantize_int16_params *p, const int16_t *input, int16_t *output);
void eq_neg_int16_ref_double(const eq_requantize_int16_params *p, const int16_t *input, int16_t *output);
void eq_table_int16_ref_double(const eq_table_int16_double_params *p, const int16_t *input, int16_t *output);
void eq_leaky_relu_int16_ref_double(const eq_leaky_relu_int16_params *p, const int16_t *input, int16_t *output);
void eq_sigmoid_int16_ref_double(const eq_sigmoid_int16_params *p, const int16_t *input, int16_t *output);
void eq_tanh_int16_ref_double(const eq_sigmoid_int16_params *p, const int16_t *input, int16_t *output);
void eq_table_int16_ref(const eq_table_int16_params *p, const int16_t *input, int16_t *output);
void eq_table_int16_dsp(const eq_table_int16_params *p, const int16_t *input, int16_t *output);
void eq_table_int16_mve(const eq_table_int16_params *p, const int16_t *input, int16_t *output);

#endif
