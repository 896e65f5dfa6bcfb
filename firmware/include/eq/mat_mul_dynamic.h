/* Matrix products of float32 values as integers of 8 bits. Rows of a and columns of b are vectors that have steps of
 * their own, found at run time where they are computed, and scales where they are constant. */
#ifndef EQ_MAT_MUL_DYNAMIC_H
#define EQ_MAT_MUL_DYNAMIC_H

#include <stdint.h>

#include "eq/dynamic.h"
#include "eq/mat_mul_float32.h"

/* Where the matrices of product `index` begin, in numbers. */
static inline void eq_mat_mul_begin(const eq_mat_mul_float32_params *p, int32_t index, int32_t *a, int32_t *b)
{
    *a = 0;
    *b = 0;
    for (int32_t k = 3; k >= 0; k--) {
        const int32_t at = index % p->batch[k];
        index /= p->batch[k];
        *a += at * p->a_stride[k];
        *b += at * p->b_stride[k];
    }
}

static inline int32_t eq_mat_mul_count(const eq_mat_mul_float32_params *p)
{
    return p->batch[0] * p->batch[1] * p->batch[2] * p->batch[3];
}

/* The rows of a matrix times the vectors of another one. */
static inline void eq_mat_mul_rows(const eq_mat_mul_float32_params *p, const float *a, const eq_stored *vectors,
                                   int32_t first, float *output, int8_t *integers, eq_dynamic_sums *sums)
{
    for (int32_t row = 0; row < p->rows; row++, a += p->depth, output += p->cols) {
        const float step = eq_in_steps(a, 1, p->depth, integers);
        sums(vectors, first, p->cols, integers, output);
        for (int32_t column = 0; column < p->cols; column++) {
            output[column] = eq_number(output[column] * step);
        }
    }
}

/* Both computed. scratch: for each column of b a float and `depth` bytes, and `depth` bytes. */
static inline void eq_mat_mul_dynamic(const eq_mat_mul_stored_params *p, const float *a, const float *b, float *output,
                                      void *scratch, eq_dynamic_sums *sums)
{
    const eq_mat_mul_float32_params *layer = &p->layer;
    const int32_t depth = layer->depth, cols = layer->cols;
    float *const steps = scratch;
    int8_t *const elements = (int8_t *)(steps + cols), *const integers = elements + cols * depth;
    const eq_stored vectors = {(const uint8_t *)elements, 8, depth, depth, steps};
    for (int32_t index = 0, last = -1; index < eq_mat_mul_count(layer); index++, output += layer->rows * cols) {
        int32_t from, other;
        eq_mat_mul_begin(layer, index, &from, &other);
        for (int32_t column = 0; column < cols && other != last; column++) {
            steps[column] = eq_in_steps(b + other + column, cols, depth, elements + column * depth);
        }
        last = other;
        eq_mat_mul_rows(layer, a + from, &vectors, 0, output, integers, sums);
    }
}

/* b is constant: its columns are rows of `constant`, matrix by matrix. scratch: `depth` bytes. */
static inline void eq_mat_mul_dynamic_const_b(const eq_mat_mul_stored_params *p, const float *a, float *output,
                                              void *scratch, eq_dynamic_sums *sums)
{
    const eq_mat_mul_float32_params *layer = &p->layer;
    for (int32_t index = 0; index < eq_mat_mul_count(layer); index++, output += layer->rows * layer->cols) {
        int32_t from, other;
        eq_mat_mul_begin(layer, index, &from, &other);
        eq_mat_mul_rows(layer, a + from, &p->constant, other / layer->depth, output, scratch, sums);
    }
}

/* a is constant: so are its rows. scratch: a float for each of its rows, and `depth` bytes. */
static inline void eq_mat_mul_dynamic_const_a(const eq_mat_mul_stored_params *p, const float *b, float *output,
                                              void *scratch, eq_dynamic_sums *sums)
{
    const eq_mat_mul_float32_params *layer = &p->layer;
    const int32_t rows = layer->rows, cols = layer->cols;
    float *const totals = scratch;
    int8_t *const integers = (int8_t *)(totals + rows);
    for (int32_t index = 0; index < eq_mat_mul_count(layer); index++, output += rows * cols) {
        int32_t from, other;
        eq_mat_mul_begin(layer, index, &from, &other);
        for (int32_t column = 0; column < cols; column++) {
            const float step = eq_in_steps(b + other + column, cols, layer->depth, integers);
            sums(&p->constant, from / layer->depth, rows, integers, totals);
            for (int32_t row = 0; row < rows; row++) {
                output[row * cols + column] = eq_number(totals[row] * step);
            }
        }
    }
}

#endif
