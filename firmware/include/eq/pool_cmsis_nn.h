/* Pooling by Arm's CMSIS-NN. */
#ifndef EQ_POOL_CMSIS_NN_H
#define EQ_POOL_CMSIS_NN_H

#include <stdint.h>

typedef struct {
    int32_t batch, in_h, in_w, in_c, out_h, out_w, out_c; /* out_c is in_c */
    int32_t kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w;
    int32_t pad_top, pad_left;
    int32_t scratch_bytes; /* as the library says */
    int32_t qmin, qmax;
} eq_pool_cmsis_nn_params;

void eq_average_pool2d_cmsis_nn(const eq_pool_cmsis_nn_params *p, const int8_t *input, int8_t *output, void *scratch);
void eq_max_pool2d_cmsis_nn(const eq_pool_cmsis_nn_params *p, const int8_t *input, int8_t *output);

/* Bytes of scratch memory that the library asks for. */
int32_t eq_average_pool2d_cmsis_nn_bytes(const eq_pool_cmsis_nn_params *p);

#endif
