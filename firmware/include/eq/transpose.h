/* Transposing tensors of bytes in squares, with vectors. */
#ifndef EQ_TRANSPOSE_H
#define EQ_TRANSPOSE_H

#include "eq/broadcast.h"

/* Some matrices, each of which is written column after column: output[j * step + i] = input[i * apart + j]. */
typedef struct {
    int32_t shape[EQ_MAX_RANK]; /* of the matrices, in the order of the output; the last dimension is 1 */
    int32_t in_stride[EQ_MAX_RANK], out_stride[EQ_MAX_RANK]; /* bytes from a matrix to the next one */
    int32_t rows, columns;                                   /* i, j; at least one of them is 16 or more */
    int32_t apart, step;
    int32_t size; /* bytes of all */
} eq_transpose_params;

void eq_transpose_avx2(const eq_transpose_params *p, const int8_t *input, int8_t *output);
void eq_transpose_neon(const eq_transpose_params *p, const int8_t *input, int8_t *output);

#endif
