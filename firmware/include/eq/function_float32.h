/* Functions of single float32 values. */
#ifndef EQ_FUNCTION_FLOAT32_H
#define EQ_FUNCTION_FLOAT32_H

#include <stdint.h>

typedef struct {
    int32_t size; /* elements */
    float a, b;   /* of eq_clip: the bounds; of eq_leaky_relu and eq_elu: the slope; of
                   eq_hard_sigmoid: slope and value at zero; of eq_thresholded_relu: the threshold */
} eq_function_float32_params;

/* The output may be the input. */
void eq_clip_ref_float32(const eq_function_float32_params *p, const float *input, float *output);
void eq_neg_ref_float32(const eq_function_float32_params *p, const float *input, float *output);
void eq_abs_ref_float32(const eq_function_float32_params *p, const float *input, float *output);
void eq_square_ref_float32(const eq_function_float32_params *p, const float *input, float *output);
void eq_sqrt_ref_float32(const eq_function_float32_params *p, const float *input, float *output);
void eq_rsqrt_ref_float32(const eq_function_float32_params *p, const float *input, float *output);
void eq_sigmoid_ref_float32(const eq_function_float32_params *p, const float *input, float *output);
void eq_tanh_ref_float32(const eq_function_float32_params *p, const float *input, float *output);
void eq_log_ref_float32(const eq_function_float32_params *p, const float *input, float *output);
void eq_leaky_relu_ref_float32(const eq_function_float32_params *p, const float *input, float *output);
void eq_hard_swish_ref_float32(const eq_function_float32_params *p, const float *input, float *output);
void eq_elu_ref_float32(const eq_function_float32_params *p, const float *input, float *output);
void eq_hard_sigmoid_ref_float32(const eq_function_float32_params *p, const float *input, float *output);
void eq_thresholded_relu_ref_float32(const eq_function_float32_params *p, const float *input, float *output);
void eq_erf_ref_float32(const eq_function_float32_params *p, const float *input, float *output);
void eq_gelu_ref_float32(const eq_function_float32_params *p, const float *input, float *output);
void eq_gelu_tanh_ref_float32(const eq_function_float32_params *p, const float *input, float *output);
void eq_floor_ref_float32(const eq_function_float32_params *p, const float *input, float *output);
void eq_round_ref_float32(const eq_function_float32_params *p, const float *input, float *output);
void eq_atan_ref_float32(const eq_function_float32_params *p, const float *input, float *output);
void eq_sin_ref_float32(const eq_function_float32_params *p, const float *input, float *output);
void eq_cos_ref_float32(const eq_function_float32_params *p, const float *input, float *output);
void eq_ceil_ref_float32(const eq_function_float32_params *p, const float *input, float *output);
void eq_sign_ref_float32(const eq_function_float32_params *p, const float *input, float *output);

#endif
