/* Products of float32 vectors with a matrix of weights. */
#ifndef EQ_MATRIX_FLOAT32_H
#define EQ_MATRIX_FLOAT32_H

#include <stdint.h>

#include "eq/stored.h"

typedef struct {
    int32_t rows;
    const float *fours; /* (fours of rows, depth, 4), zeros where there are no four; NULL: they are stored otherwise */
    eq_stored stored;   /* (rows, depth) */
    int32_t dynamic;    /* whether vectors are multiplied as integers of 8 bits, with a step found at run time */
} eq_matrix;

/* Writes a sum of products for each row of the matrix.
 * scratch: that of eq_stored_products, or a byte for each integer of a vector. */
typedef void eq_product(const eq_matrix *matrix, const float *vector, float *sums, void *scratch);

void eq_matrix_product(const eq_matrix *matrix, const float *vector, float *sums, void *scratch);

#endif
