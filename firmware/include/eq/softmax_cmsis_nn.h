/* Softmax by Arm's CMSIS-NN. */
#ifndef EQ_SOFTMAX_CMSIS_NN_H
#define EQ_SOFTMAX_CMSIS_NN_H

#include <stdint.h>

typedef struct {
    int32_t rows, columns;
    int32_t multiplier, shift; /* of differences, to 5 integer bits */
    int32_t least;             /* smaller differences do not count */
} eq_softmax_cmsis_nn_params;

void eq_softmax_cmsis_nn(const eq_softmax_cmsis_nn_params *p, const int8_t *input, int8_t *output);

#endif
