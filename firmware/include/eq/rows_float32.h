/* Functions of rows of float32 values. */
#ifndef EQ_ROWS_FLOAT32_H
#define EQ_ROWS_FLOAT32_H

#include <stdint.h>

typedef struct {
    int32_t rows, columns;
    float a; /* of eq_softmax: the factor of the inputs; of eq_l2_norm: the least length */
} eq_rows_float32_params;

/* The output may be the input. */
void eq_softmax_ref_float32(const eq_rows_float32_params *p, const float *input, float *output);
void eq_log_softmax_ref_float32(const eq_rows_float32_params *p, const float *input, float *output);
void eq_l2_norm_ref_float32(const eq_rows_float32_params *p, const float *input, float *output);

#endif
