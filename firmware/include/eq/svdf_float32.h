/* A fully connected layer over time, of low rank, of float32 values. */
#ifndef EQ_SVDF_FLOAT32_H
#define EQ_SVDF_FLOAT32_H

#include <stdint.h>

#include "eq/matrix_float32.h"

typedef struct {
    int32_t batch, in_c, filters, memory, rank;
    eq_matrix weights;    /* (filters, in_c) */
    const float *initial; /* (batch, filters, memory), or NULL: the next input */
    const float *time;    /* (filters, memory) */
    const float *bias;    /* (filters / rank), or NULL */
    float low, high;
} eq_svdf_float32_params;

/* inputs: the input; the features of the last steps. `state`: those after this step. The products of a filter over time
 * are added by themselves, then to those of its unit. scratch: a float for each filter, and that of a product. */
void eq_svdf_float32_ref(const eq_svdf_float32_params *p, const float *const *inputs, float *output, float *state,
                         void *scratch);

#endif
