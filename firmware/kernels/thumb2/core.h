/* Four rows of a matrix times a vector on Armv7-M, for recurrent layers. */
#ifndef EQ_THUMB2_CORE_H
#define EQ_THUMB2_CORE_H

#include "eq/thumb_fours.h"
#include "fours.h"

EQ_FLATTEN eq_thumb_vector eq_thumb2_core_take(const int8_t *x, int32_t depth)
{
    int32_t total = 0;
    for (int32_t k = 0; k < depth; k++) {
        total += x[k];
    }
    const eq_thumb_vector vector = {x, total * 128};
    return vector;
}

EQ_FLATTEN int32_t eq_thumb2_core_scaled(int32_t x, int32_t mantissa, int32_t zero_point)
{
    return eq_thumb2_scale(x, mantissa, zero_point);
}

EQ_FLATTEN void eq_thumb2_core_multiply(const eq_thumb_matrix *m, int32_t row, const eq_thumb_vector *v, int32_t *to)
{
    eq_thumb2_four_rows(m->weights + row * m->depth, v->x, m->depth, v->excess, to);
    for (int32_t i = 0; i < 4; i++) {
        to[i] += 2 * m->bias[row + i];
    }
}

static const eq_thumb_core eq_thumb_armv7m = {eq_thumb2_core_take, eq_thumb2_core_multiply, eq_thumb2_core_scaled, 1};

#endif
