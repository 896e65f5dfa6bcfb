/* Fully connected layers by Arm's CMSIS-NN. */
#ifndef EQ_FULLY_CONNECTED_CMSIS_NN_H
#define EQ_FULLY_CONNECTED_CMSIS_NN_H

#include <stdint.h>

typedef struct {
    int32_t rows, in_c, out_c;
    int32_t input_offset;  /* minus the input's zero-point */
    const int8_t *weights; /* (out_c, in_c) */
    const int32_t *bias;   /* one per output channel, input zero-point not folded in; NULL on Helium */
    const int32_t *sums;   /* on Helium: the bias with the input zero-point folded in; else NULL */
    const int32_t *multiplier;
    const int32_t *shift; /* positive: to the left */
    int32_t zero_point, qmin, qmax;
} eq_fully_connected_cmsis_nn_params;

/* One multiplier for all channels. */
void eq_fully_connected_cmsis_nn(const eq_fully_connected_cmsis_nn_params *p, const int8_t *input, int8_t *output);
/* One multiplier for each channel. */
void eq_fully_connected_per_channel_cmsis_nn(const eq_fully_connected_cmsis_nn_params *p, const int8_t *input,
                                             int8_t *output);

#endif
