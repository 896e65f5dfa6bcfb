#include "eq/pair_int16.h"

#include "eq/broadcast_int16.h"
#include "eq/requant16.h"

enum { LAST = EQ_MAX_RANK - 1 };

/* Products by a factor below 1/4 of rows whose operands are each contiguous or one element for all of the row. */
static inline void multiply(const eq_mul_int16_params *p, const int16_t *a, const int16_t *b, int16_t *output)
{
    const int32_t mantissa = p->mantissa, right = -1 - p->shift, half = 1 << (right - 1);
    const int32_t qmin = p->qmin, qmax = p->qmax, a_step = p->a_stride[LAST], b_step = p->b_stride[LAST];
    eq_walk16 walk = eq_walk16_start(a, b);
    do {
        const int16_t *first = walk.first, *second = walk.second, *const end = output + p->shape[LAST];
        for (; output != end; first += a_step, second += b_step, output++) {
            const int32_t high = eq_high_of_sum(*first * *second, mantissa, 0);
            *output = (int16_t)eq_clamp((high + half) >> right, qmin, qmax);
        }
    } while (eq_walk16_next(&walk, p->shape, p->a_stride, p->b_stride));
}

void eq_mul_int16_thumb(const eq_mul_int16_params *p, const int16_t *a, const int16_t *b, int16_t *output)
{
    multiply(p, a, b, output);
}

void eq_mul_int16_const_thumb(const eq_mul_int16_params *p, const int16_t *a, int16_t *output)
{
    multiply(p, a, p->constant, output);
}
