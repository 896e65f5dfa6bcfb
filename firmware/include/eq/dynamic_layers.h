/* Layers of float32 values that are multiplied as integers of 8 bits, with steps found at run time: what is the same
 * with every function for products. */
#ifndef EQ_DYNAMIC_LAYERS_H
#define EQ_DYNAMIC_LAYERS_H

#include <stdint.h>

#include "eq/dynamic.h"
#include "eq/fully_connected_stored.h"
#include "eq/matrix_float32.h"

static inline void eq_fully_connected_dynamic(const eq_fully_connected_stored_params *p, const float *input,
                                              float *output, void *scratch, eq_dynamic_sums *sums)
{
    const float *bias = p->layer.bias;
    for (int32_t row = 0; row < p->layer.rows; row++, input += p->layer.in_c, output += p->layer.out_c) {
        const float step = eq_in_steps(input, 1, p->layer.in_c, scratch);
        sums(&p->weights, 0, p->layer.out_c, scratch, output);
        for (int32_t oc = 0; oc < p->layer.out_c; oc++) {
            const float sum = output[oc] * step;
            output[oc] = eq_within(sum + (bias ? bias[oc] : 0.0f), p->layer.low, p->layer.high);
        }
    }
}

static inline void eq_matrix_dynamic(const eq_matrix *matrix, const float *vector, float *sums, int8_t *integers,
                                     eq_dynamic_sums *products)
{
    const float step = eq_in_steps(vector, 1, matrix->stored.depth, integers);
    products(&matrix->stored, 0, matrix->rows, integers, sums);
    for (int32_t row = 0; row < matrix->rows; row++) {
        sums[row] = sums[row] * step;
    }
}

#endif
