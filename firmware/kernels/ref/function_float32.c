#include "eq/function_float32.h"

#include "eq/float32.h"

/* Stores `result`, an expression of the element x, for every element. */
#define FOR_EACH(p, input, output, result)                                                                             \
    do {                                                                                                               \
        for (int32_t i = 0; i < (p)->size; i++) {                                                                      \
            const float x = (input)[i];                                                                                \
            (output)[i] = eq_number(result);                                                                           \
        }                                                                                                              \
    } while (0)

void eq_clip_ref_float32(const eq_function_float32_params *p, const float *input, float *output)
{
    FOR_EACH(p, input, output, eq_within(x, p->a, p->b));
}

void eq_neg_ref_float32(const eq_function_float32_params *p, const float *input, float *output)
{
    FOR_EACH(p, input, output, -x);
}

void eq_abs_ref_float32(const eq_function_float32_params *p, const float *input, float *output)
{
    FOR_EACH(p, input, output, x < 0.0f ? -x : x);
}

void eq_square_ref_float32(const eq_function_float32_params *p, const float *input, float *output)
{
    FOR_EACH(p, input, output, x * x);
}

void eq_sqrt_ref_float32(const eq_function_float32_params *p, const float *input, float *output)
{
    FOR_EACH(p, input, output, eq_sqrt(x));
}

void eq_rsqrt_ref_float32(const eq_function_float32_params *p, const float *input, float *output)
{
    FOR_EACH(p, input, output, 1.0f / eq_sqrt(x));
}

void eq_sigmoid_ref_float32(const eq_function_float32_params *p, const float *input, float *output)
{
    FOR_EACH(p, input, output, eq_sigmoid(x));
}

void eq_tanh_ref_float32(const eq_function_float32_params *p, const float *input, float *output)
{
    FOR_EACH(p, input, output, eq_tanh(x));
}

void eq_log_ref_float32(const eq_function_float32_params *p, const float *input, float *output)
{
    FOR_EACH(p, input, output, eq_log(x));
}

void eq_leaky_relu_ref_float32(const eq_function_float32_params *p, const float *input, float *output)
{
    FOR_EACH(p, input, output, x > 0.0f ? x : x * p->a);
}

void eq_hard_swish_ref_float32(const eq_function_float32_params *p, const float *input, float *output)
{
    FOR_EACH(p, input, output, eq_quotient(eq_within(x + 3.0f, 0.0f, 6.0f) * x, 6.0f));
}

void eq_elu_ref_float32(const eq_function_float32_params *p, const float *input, float *output)
{
    FOR_EACH(p, input, output, x > 0.0f ? x : p->a * eq_expm1(x));
}

void eq_hard_sigmoid_ref_float32(const eq_function_float32_params *p, const float *input, float *output)
{
    FOR_EACH(p, input, output, eq_within(x * p->a + p->b, 0.0f, 1.0f));
}

void eq_thresholded_relu_ref_float32(const eq_function_float32_params *p, const float *input, float *output)
{
    FOR_EACH(p, input, output, x > p->a ? x : 0.0f);
}

void eq_erf_ref_float32(const eq_function_float32_params *p, const float *input, float *output)
{
    FOR_EACH(p, input, output, eq_erf(x));
}

void eq_gelu_ref_float32(const eq_function_float32_params *p, const float *input, float *output)
{
    FOR_EACH(p, input, output, (0.5f * x) * (1.0f + eq_erf(x * 0.707106769f)));
}

void eq_gelu_tanh_ref_float32(const eq_function_float32_params *p, const float *input, float *output)
{
    FOR_EACH(p, input, output, (0.5f * x) * (1.0f + eq_tanh(0.797884583f * (x + ((0.044715f * x) * x) * x))));
}

void eq_floor_ref_float32(const eq_function_float32_params *p, const float *input, float *output)
{
    FOR_EACH(p, input, output, eq_floor(x));
}

void eq_round_ref_float32(const eq_function_float32_params *p, const float *input, float *output)
{
    FOR_EACH(p, input, output, eq_round_even(x));
}

void eq_ceil_ref_float32(const eq_function_float32_params *p, const float *input, float *output)
{
    FOR_EACH(p, input, output, eq_ceil(x));
}

void eq_sign_ref_float32(const eq_function_float32_params *p, const float *input, float *output)
{
    FOR_EACH(p, input, output, x > 0.0f ? 1.0f : x < 0.0f ? -1.0f : x);
}

void eq_atan_ref_float32(const eq_function_float32_params *p, const float *input, float *output)
{
    FOR_EACH(p, input, output, eq_atan(x));
}

void eq_sin_ref_float32(const eq_function_float32_params *p, const float *input, float *output)
{
    FOR_EACH(p, input, output, eq_wave(x, 0.0f));
}

void eq_cos_ref_float32(const eq_function_float32_params *p, const float *input, float *output)
{
    FOR_EACH(p, input, output, eq_wave(x, 1.0f));
}
