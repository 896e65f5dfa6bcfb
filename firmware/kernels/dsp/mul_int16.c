#include "eq/broadcast_int16.h"
#include "eq/dsp.h"
#include "eq/pair_int16.h"
#include "inline.h"

enum { LAST = EQ_MAX_RANK - 1 };

/* `count` products that follow each other, by a factor below 1/4. step: 0, a constant, where b is one element for all.
 */
EQ_INLINE void multiply_row(const eq_mul_int16_params *p, const int16_t *a, const int16_t *b, int16_t *output,
                            int32_t count, int32_t step)
{
    const int32_t mantissa = p->mantissa, right = -1 - p->shift, half = 1 << (right - 1);
    const int32_t low = eq_splat16(p->qmin), high = eq_splat16(p->qmax), all = eq_splat16(*b);
    for (; count > 1; count -= 2, a += 2, b += 2 * step, output += 2) {
        int32_t x, y = all;
        memcpy(&x, a, sizeof x);
        if (step) {
            memcpy(&y, b, sizeof y);
        }
        const int32_t even = eq_ssat16(eq_smmla(eq_smulbb(x, y), mantissa, half) >> right);
        const int32_t odd = eq_ssat16(eq_smmla(eq_smultt(x, y), mantissa, half) >> right);
        const int32_t q = eq_smin16(eq_smax16(eq_pkhbt(even, odd), low), high);
        memcpy(output, &q, sizeof q);
    }
    if (count) {
        const int32_t q = eq_smmla(*a * *b, mantissa, half) >> right;
        *output = (int16_t)(q < p->qmin ? p->qmin : q > p->qmax ? p->qmax : q);
    }
}

/* Each operand is contiguous along a row, or one element for all of it, which then is the second. */
static inline void multiply(const eq_mul_int16_params *p, const int16_t *a, const int16_t *b, int16_t *output)
{
    const int32_t columns = p->shape[LAST], swapped = !p->a_stride[LAST];
    const int32_t *const steps = swapped ? p->b_stride : p->a_stride;
    const int32_t *const others = swapped ? p->a_stride : p->b_stride;
    eq_walk16 walk = eq_walk16_start(swapped ? b : a, swapped ? a : b);
    do {
        if (others[LAST]) {
            multiply_row(p, walk.first, walk.second, output, columns, 1);
        } else {
            multiply_row(p, walk.first, walk.second, output, columns, 0);
        }
        output += columns;
    } while (eq_walk16_next(&walk, p->shape, steps, others));
}

void eq_mul_int16_dsp(const eq_mul_int16_params *p, const int16_t *a, const int16_t *b, int16_t *output)
{
    multiply(p, a, b, output);
}

void eq_mul_int16_const_dsp(const eq_mul_int16_params *p, const int16_t *a, int16_t *output)
{
    multiply(p, a, p->constant, output);
}
