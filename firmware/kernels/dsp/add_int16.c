#include "eq/broadcast_int16.h"
#include "eq/dsp.h"
#include "eq/pair_int16.h"
#include "inline.h"

enum { LAST = EQ_MAX_RANK - 1 };

/* `count` sums that follow each other. step: 0, a constant, where b is one element for all; factors: of both. */
EQ_INLINE void add_row(const eq_add_int16_params *p, const int16_t *a, const int16_t *b, int16_t *output, int32_t count,
                       int32_t step, int32_t factors)
{
    const int32_t offset = p->offset, shift = p->right_shift;
    const int32_t low = eq_splat16(p->qmin), high = eq_splat16(p->qmax), all = eq_splat16(*b);
    for (; count > 1; count -= 2, a += 2, b += 2 * step, output += 2) {
        int32_t x, y = all;
        memcpy(&x, a, sizeof x);
        if (step) {
            memcpy(&y, b, sizeof y);
        }
        const int32_t even = eq_ssat16(eq_smlad(eq_pkhbt(x, y), factors, offset) >> shift);
        const int32_t odd = eq_ssat16(eq_smlad(eq_pkhtb(x, y), factors, offset) >> shift);
        const int32_t q = eq_smin16(eq_smax16(eq_pkhbt(even, odd), low), high);
        memcpy(output, &q, sizeof q);
    }
    if (count) {
        const int32_t q = eq_smlad(eq_pkhbt(*a, *b), factors, offset) >> shift;
        *output = (int16_t)(q < p->qmin ? p->qmin : q > p->qmax ? p->qmax : q);
    }
}

/* Each operand is contiguous along a row, or one element for all of it, which then is the second. */
static inline void add(const eq_add_int16_params *p, const int16_t *a, const int16_t *b, int16_t *output)
{
    const int32_t columns = p->shape[LAST], swapped = !p->a_stride[LAST];
    const int32_t *const steps = swapped ? p->b_stride : p->a_stride;
    const int32_t *const others = swapped ? p->a_stride : p->b_stride;
    const int32_t factors = swapped ? eq_pkhbt(p->b_factor, p->a_factor) : eq_pkhbt(p->a_factor, p->b_factor);
    eq_walk16 walk = eq_walk16_start(swapped ? b : a, swapped ? a : b);
    do {
        if (others[LAST]) {
            add_row(p, walk.first, walk.second, output, columns, 1, factors);
        } else {
            add_row(p, walk.first, walk.second, output, columns, 0, factors);
        }
        output += columns;
    } while (eq_walk16_next(&walk, p->shape, steps, others));
}

void eq_add_int16_dsp(const eq_add_int16_params *p, const int16_t *a, const int16_t *b, int16_t *output)
{
    add(p, a, b, output);
}

void eq_add_int16_const_dsp(const eq_add_int16_params *p, const int16_t *a, int16_t *output)
{
    add(p, a, p->constant, output);
}
