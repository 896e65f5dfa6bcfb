/* Four rows of a matrix times a vector on Armv6-M, for recurrent layers. */
#ifndef EQ_THUMB_CORE_H
#define EQ_THUMB_CORE_H

#include "eq/thumb.h"
#include "eq/thumb_fours.h"

EQ_FLATTEN eq_thumb_vector eq_thumb_core_take(const int8_t *x, int32_t depth)
{
    (void)depth;
    const eq_thumb_vector vector = {x, 0};
    return vector;
}

EQ_FLATTEN int32_t eq_thumb_core_scaled(int32_t x, int32_t mantissa, int32_t zero_point)
{
    return eq_thumb_scale(x, mantissa, eq_thumb_rounding(zero_point));
}

EQ_FLATTEN void eq_thumb_core_multiply(const eq_thumb_matrix *m, int32_t row, const eq_thumb_vector *v, int32_t *to)
{
    for (int32_t i = 0; i < 4; i++) {
        to[i] = m->bias[row + i];
    }
    eq_thumb_four_rows(m->weights + row * m->depth, v->x, m->depth, to, m->depth);
}

static const eq_thumb_core eq_thumb_armv6m = {eq_thumb_core_take, eq_thumb_core_multiply, eq_thumb_core_scaled, 0};

#endif
