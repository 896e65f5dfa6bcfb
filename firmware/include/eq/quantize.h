/* Between real and quantized values: real = scale * (q - zero_point). */
#ifndef EQ_QUANTIZE_H
#define EQ_QUANTIZE_H

#include <stdint.h>

typedef struct {
    int32_t size; /* elements */
    float scale;
    int32_t zero_point;
} eq_quantize_params;

/* The nearest int8 of every element, halves to even. The output may start where the input does. */
void eq_quantize_ref(const eq_quantize_params *p, const float *input, int8_t *output);

/* The same, halves away from zero. */
void eq_quantize_ref_away(const eq_quantize_params *p, const float *input, int8_t *output);

/* The real value of every element. */
void eq_dequantize_ref(const eq_quantize_params *p, const int8_t *input, float *output);

/* Likewise of int16. */
void eq_quantize_int16_ref(const eq_quantize_params *p, const float *input, int16_t *output);
void eq_quantize_int16_ref_away(const eq_quantize_params *p, const float *input, int16_t *output);
void eq_dequantize_int16_ref(const eq_quantize_params *p, const int16_t *input, float *output);

#endif
