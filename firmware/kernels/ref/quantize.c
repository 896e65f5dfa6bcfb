#include "eq/quantize.h"

#include "eq/float32.h"

void eq_quantize_ref(const eq_quantize_params *p, const float *input, int8_t *output)
{
    const float low = (float)(INT8_MIN - p->zero_point);
    const float high = (float)(INT8_MAX - p->zero_point);
    for (int32_t i = 0; i < p->size; i++) {
        const float steps = eq_bounded(input[i] / p->scale, low, high);
        output[i] = (int8_t)((int32_t)eq_to_nearest(steps) + p->zero_point);
    }
}

void eq_quantize_ref_away(const eq_quantize_params *p, const float *input, int8_t *output)
{
    const float low = (float)(INT8_MIN - p->zero_point);
    const float high = (float)(INT8_MAX - p->zero_point);
    for (int32_t i = 0; i < p->size; i++) {
        const float steps = eq_bounded(input[i] / p->scale, low, high);
        output[i] = (int8_t)((int32_t)eq_round_half_away(steps) + p->zero_point);
    }
}

void eq_dequantize_ref(const eq_quantize_params *p, const int8_t *input, float *output)
{
    for (int32_t i = 0; i < p->size; i++) {
        output[i] = (float)(input[i] - p->zero_point) * p->scale;
    }
}

void eq_quantize_int16_ref(const eq_quantize_params *p, const float *input, int16_t *output)
{
    const float low = (float)(INT16_MIN - p->zero_point);
    const float high = (float)(INT16_MAX - p->zero_point);
    for (int32_t i = 0; i < p->size; i++) {
        const float steps = eq_bounded(input[i] / p->scale, low, high);
        output[i] = (int16_t)((int32_t)eq_to_nearest(steps) + p->zero_point);
    }
}

void eq_quantize_int16_ref_away(const eq_quantize_params *p, const float *input, int16_t *output)
{
    const float low = (float)(INT16_MIN - p->zero_point);
    const float high = (float)(INT16_MAX - p->zero_point);
    for (int32_t i = 0; i < p->size; i++) {
        const float steps = eq_bounded(input[i] / p->scale, low, high);
        output[i] = (int16_t)((int32_t)eq_round_half_away(steps) + p->zero_point);
    }
}

void eq_dequantize_int16_ref(const eq_quantize_params *p, const int16_t *input, float *output)
{
    for (int32_t i = 0; i < p->size; i++) {
        output[i] = (float)(input[i] - p->zero_point) * p->scale;
    }
}
