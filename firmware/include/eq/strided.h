/* Reading a tensor in another order: slices and transpositions. */
#ifndef EQ_STRIDED_H
#define EQ_STRIDED_H

#include "eq/broadcast.h"

typedef struct {
    int32_t shape[EQ_MAX_RANK];  /* of the output; leading dimensions may be 1 */
    int32_t stride[EQ_MAX_RANK]; /* elements of the input between neighbours; may be negative */
    int32_t offset;              /* of the element of the input that comes first */
} eq_strided_params;

void eq_strided_ref(const eq_strided_params *p, const int8_t *input, int8_t *output);

/* The same for elements of four bytes: all numbers count bytes, of which the last dimension has four. */
void eq_strided_float32_ref(const eq_strided_params *p, const float *input, float *output);
/* Likewise for elements of two bytes. */
void eq_strided_int16_ref(const eq_strided_params *p, const int16_t *input, int16_t *output);

#endif
