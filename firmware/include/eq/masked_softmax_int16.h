/* Softmax of int16 rows, over those of their elements that a mask lets count; the others become zero. */
#ifndef EQ_MASKED_SOFTMAX_INT16_H
#define EQ_MASKED_SOFTMAX_INT16_H

#include "eq/softmax_int16.h"

/* The rows of `row` are outer x repeat x inner; row (a, b, c) has row a * inner + c of the mask. */
typedef struct {
    eq_softmax_int16_params row;
    int32_t outer, repeat, inner;
    const int32_t *mask; /* if it is constant */
} eq_masked_softmax_int16_params;

/* An element counts where the mask is 1, or greater, and then all that count in its row do so alike, as in a row where
 * nothing does. The output may be the first input. */
void eq_masked_softmax_int16_ref(const eq_masked_softmax_int16_params *p, const int16_t *input, int16_t *output);
void eq_masked_softmax_at_int16_ref(const eq_masked_softmax_int16_params *p, const int16_t *input, const int32_t *mask,
                                    int16_t *output);

#endif
