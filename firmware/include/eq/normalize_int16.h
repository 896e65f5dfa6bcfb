/* Normalization of int16 sets: the C twin of edgeq/numerics/normalization.py, bit for bit. */
#ifndef EQ_NORMALIZE_INT16_H
#define EQ_NORMALIZE_INT16_H

#include <stdint.h>

/* As eq_normalize_params, for a zero-point of 0. */
typedef struct {
    int32_t outer, middle, groups, inner;
    int32_t step;
    const int32_t *scale, *offset;
    int32_t centred;
    int32_t epsilon, epsilon_shift, shift, greater;
    int32_t exponent;      /* of normalized elements */
    int32_t product_shift; /* of their products with the scale, to the right */
    int32_t fraction;      /* bits of the offset */
    int32_t qmin, qmax;
} eq_normalize_int16_params;

/* The output may be the input. */
void eq_normalize_int16_ref(const eq_normalize_int16_params *p, const int16_t *input, int16_t *output);

#endif
