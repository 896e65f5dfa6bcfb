/* Matrix products of whole numbers, modulo 2^32. */
#ifndef EQ_WHOLE_PRODUCT_H
#define EQ_WHOLE_PRODUCT_H

#include <stdint.h>

typedef struct {
    int32_t batch[4], a_stride[4], b_stride[4]; /* numbers between neighbouring matrices, 0: one serves all */
    int32_t rows, depth, cols;
    const int32_t *constant; /* of the variants with a constant operand */
} eq_whole_product_params;

void eq_whole_product_ref(const eq_whole_product_params *p, const int32_t *a, const int32_t *b, int32_t *output);
void eq_whole_product_const_a_ref(const eq_whole_product_params *p, const int32_t *b, int32_t *output);
void eq_whole_product_const_b_ref(const eq_whole_product_params *p, const int32_t *a, int32_t *output);

#endif
