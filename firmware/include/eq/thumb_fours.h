/* What recurrent layers of Armv6-M and Armv7-M share: products of a vector with four rows of a matrix, scaled. */
#ifndef EQ_THUMB_FOURS_H
#define EQ_THUMB_FOURS_H

#include "eq/gates.h"
#include "eq/thumb_inline.h"

typedef struct {
    const int8_t *weights;
    const int32_t *bias, *mantissa; /* of all rows */
    int32_t left, depth;
} eq_thumb_matrix;

/* A vector, and what the sums of its core have to know of it. */
typedef struct {
    const int8_t *x;
    int32_t excess;
} eq_thumb_vector;

typedef eq_thumb_vector eq_thumb_take(const int8_t *x, int32_t depth);
/* to[i] becomes the sum of row `row` + i times its factor, rounded. */
typedef void eq_thumb_multiply(const eq_thumb_matrix *m, int32_t row, const eq_thumb_vector *v, int32_t *to);
/* zero_point + round(x * mantissa / 2^31), halves up, for |x| < 2^29. */
typedef int32_t eq_thumb_scaled(int32_t x, int32_t mantissa, int32_t zero_point);

/* What differs between the two. */
typedef struct {
    eq_thumb_take *take;
    eq_thumb_multiply *multiply;
    eq_thumb_scaled *scaled;
} eq_thumb_core;

/* eq_saturate16, faster where nothing is saturated. */
EQ_FLATTEN int32_t eq_thumb_saturate16(int32_t x)
{
    const int32_t low = (int16_t)((uint32_t)x & 0xffffU);
    return low == x ? x : x < 0 ? -32768 : 32767;
}

#endif
