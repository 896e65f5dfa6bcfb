/* Layers by Espressif's ESP-NN, whose functions are those of the chip that it is compiled for. */
#ifndef EQ_ESP_NN_H
#define EQ_ESP_NN_H

#include <stdint.h>

typedef struct {
    int32_t batch, in_h, in_w, in_c, out_h, out_w, out_c;
    int32_t kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w;
    int32_t pad_top, pad_left;
    int32_t input_offset;  /* minus the input's zero-point */
    int32_t scratch_bytes; /* of `scratch`; where the chip's function asks for more, the portable one is called */
    const int8_t *weights; /* (out_c, kernel_h, kernel_w, in_c); depthwise: (kernel_h, kernel_w, out_c) */
    const int32_t *bias;   /* one per output channel, input zero-point not folded in */
    const int32_t *multiplier;
    const int32_t *shift; /* positive: to the left */
    int32_t zero_point, qmin, qmax;
} eq_conv_esp_nn_params;

typedef struct {
    int32_t rows, in_c, out_c;
    int32_t input_offset;  /* minus the input's zero-point */
    const int8_t *weights; /* (out_c, in_c) */
    const int32_t *bias;   /* one per output channel, input zero-point not folded in */
    const int32_t *multiplier;
    const int32_t *shift; /* positive: to the left */
    int32_t zero_point, qmin, qmax;
} eq_fully_connected_esp_nn_params;

typedef struct {
    int32_t size;
    int32_t a_offset, a_multiplier, a_shift; /* offset: minus the zero-point; shifts are to the right: not positive */
    int32_t b_offset, b_multiplier, b_shift;
    int32_t left_shift; /* of both operands, before they are brought to one scale */
    int32_t multiplier, shift;
    int32_t zero_point, qmin, qmax;
} eq_add_esp_nn_params;

typedef struct {
    int32_t size;
    int32_t a_offset, b_offset;
    int32_t multiplier, shift;
    int32_t zero_point, qmin, qmax;
} eq_mul_esp_nn_params;

typedef struct {
    int32_t batch, in_h, in_w, in_c, out_h, out_w, out_c; /* out_c is in_c */
    int32_t kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w;
    int32_t pad_top, pad_left;
    int32_t qmin, qmax;
} eq_pool_esp_nn_params;

typedef struct {
    int32_t rows, columns;
    int32_t multiplier, shift; /* of differences, to 5 integer bits */
    int32_t least;             /* smaller differences do not count */
    int32_t scratch_bytes;
} eq_softmax_esp_nn_params;

void eq_conv2d_esp_nn(const eq_conv_esp_nn_params *p, const int8_t *input, int8_t *output, void *scratch);
void eq_depthwise_conv2d_esp_nn(const eq_conv_esp_nn_params *p, const int8_t *input, int8_t *output, void *scratch);
/* One multiplier for all channels. */
void eq_fully_connected_esp_nn(const eq_fully_connected_esp_nn_params *p, const int8_t *input, int8_t *output);
/* One multiplier for each channel. */
void eq_fully_connected_per_channel_esp_nn(const eq_fully_connected_esp_nn_params *p, const int8_t *input,
                                           int8_t *output);
void eq_add_esp_nn(const eq_add_esp_nn_params *p, const int8_t *a, const int8_t *b, int8_t *output);
void eq_mul_esp_nn(const eq_mul_esp_nn_params *p, const int8_t *a, const int8_t *b, int8_t *output);
void eq_average_pool2d_esp_nn(const eq_pool_esp_nn_params *p, const int8_t *input, int8_t *output);
void eq_max_pool2d_esp_nn(const eq_pool_esp_nn_params *p, const int8_t *input, int8_t *output);
void eq_softmax_esp_nn(const eq_softmax_esp_nn_params *p, const int8_t *input, int8_t *output, void *scratch);

#endif
