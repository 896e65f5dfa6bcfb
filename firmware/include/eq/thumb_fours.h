/* What recurrent layers of Armv6-M and Armv7-M share: products of a vector with four rows of a matrix. */
#ifndef EQ_THUMB_FOURS_H
#define EQ_THUMB_FOURS_H

#include "eq/gates.h"
#include "eq/thumb_inline.h"

typedef struct {
    const int8_t *weights;
    const int32_t *bias, *mantissa; /* of all rows */
    const int8_t *shift;            /* likewise; for fast NULL */
    int32_t left;                   /* for fast: of all rows */
    int32_t depth;
} eq_thumb_matrix;

/* A vector, and what the sums of its core have to know of it. */
typedef struct {
    const int8_t *x;
    int32_t excess;
} eq_thumb_vector;

typedef eq_thumb_vector eq_thumb_take(const int8_t *x, int32_t depth);
/* to[i] becomes the sum of row `row` + i, times 2^twice. */
typedef void eq_thumb_multiply(const eq_thumb_matrix *m, int32_t row, const eq_thumb_vector *v, int32_t *to);
/* zero_point + round(x * mantissa / 2^(31 + twice)), halves up, for |x| < 2^(29 + twice). */
typedef int32_t eq_thumb_scaled(int32_t x, int32_t mantissa, int32_t zero_point);

/* What differs between the two. */
typedef struct {
    eq_thumb_take *take;
    eq_thumb_multiply *multiply;
    eq_thumb_scaled *scaled;
    int32_t twice; /* whether it reckons with twice the sums */
} eq_thumb_core;

/* eq_multiply of acc / 2^twice, which is less than 2^29 when it is shifted to the left. */
EQ_FLATTEN int32_t eq_thumb_product(eq_thumb_core core, int32_t acc, int32_t mantissa, int32_t shift,
                                    eq_rounding rounding)
{
    if (rounding == EQ_SINGLE) {
        return eq_multiply(acc >> core.twice, mantissa, shift, rounding);
    }
    if (rounding == EQ_FAST || shift >= 0) {
        return core.scaled((int32_t)((uint32_t)acc << shift), mantissa, 0);
    }
    const int32_t high = core.scaled(acc, mantissa, 0);
    return (((high + (high >> 31)) >> (-shift - 1)) + 1) >> 1;
}

/* to[i] becomes the sum of row `row` + i times its factor. */
EQ_FLATTEN void eq_thumb_four_products(eq_thumb_core core, const eq_thumb_matrix *m, int32_t row,
                                       const eq_thumb_vector *v, int32_t *to, eq_rounding rounding)
{
    core.multiply(m, row, v, to);
    for (int32_t i = 0; i < 4; i++) {
        const int32_t shift = rounding == EQ_FAST ? m->left : m->shift[row + i];
        to[i] = eq_thumb_product(core, to[i], m->mantissa[row + i], shift, rounding);
    }
}

/* eq_saturate16, faster where nothing is saturated. */
EQ_FLATTEN int32_t eq_thumb_saturate16(int32_t x)
{
    const int32_t low = (int16_t)((uint32_t)x & 0xffffU);
    return low == x ? x : x < 0 ? -32768 : 32767;
}

#endif
