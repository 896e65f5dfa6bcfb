/* Sums and products of two tensors of one shape by Arm's CMSIS-NN. */
#ifndef EQ_ELEMENTWISE_CMSIS_NN_H
#define EQ_ELEMENTWISE_CMSIS_NN_H

#include <stdint.h>

typedef struct {
    int32_t size;
    int32_t a_offset, a_multiplier, a_shift; /* offset: minus the zero-point */
    int32_t b_offset, b_multiplier, b_shift;
    int32_t left_shift; /* of both operands, before they are brought to one scale */
    int32_t multiplier, shift;
    int32_t zero_point, qmin, qmax;
} eq_add_cmsis_nn_params;

typedef struct {
    int32_t size;
    int32_t a_offset, b_offset;
    int32_t multiplier, shift;
    int32_t zero_point, qmin, qmax;
} eq_mul_cmsis_nn_params;

void eq_add_cmsis_nn(const eq_add_cmsis_nn_params *p, const int8_t *a, const int8_t *b, int8_t *output);
void eq_mul_cmsis_nn(const eq_mul_cmsis_nn_params *p, const int8_t *a, const int8_t *b, int8_t *output);

#endif
