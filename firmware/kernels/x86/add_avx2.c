#define EQ_X86 EQ_AVX2

#include "eq/add_x86.h"
#include "vectors.h"

enum { EQ_LAST = EQ_MAX_RANK - 1, EQ_EXTRA_BITS = 20 };

/* Stores `result`, an expression of the sums x and y, for all elements of a row; the last ones go through buffers. */
#define EQ_ALONG(n, a, b, to, result, bounds)                                                                          \
    do {                                                                                                               \
        int32_t eq_done = 0;                                                                                           \
        for (; eq_done + EQ_LANES <= (n); eq_done += EQ_LANES) {                                                       \
            const eq_sums x = eq_widen((a) + eq_done), y = eq_widen((b) + eq_done);                                    \
            eq_store_sums((to) + eq_done, result, bounds);                                                             \
        }                                                                                                              \
        if (eq_done < (n)) {                                                                                           \
            int8_t eq_a[EQ_LANES] = {0}, eq_b[EQ_LANES] = {0}, eq_to[EQ_LANES];                                        \
            const size_t eq_left = (size_t)((n) - eq_done);                                                            \
            memcpy(eq_a, (a) + eq_done, eq_left);                                                                      \
            memcpy(eq_b, (b) + eq_done, eq_left);                                                                      \
            const eq_sums x = eq_widen(eq_a), y = eq_widen(eq_b);                                                      \
            eq_store_sums(eq_to, result, bounds);                                                                      \
            memcpy((to) + eq_done, eq_to, eq_left);                                                                    \
        }                                                                                                              \
    } while (0)

EQ_INLINE eq_sums eq_fast_sum(eq_sums x, eq_sums y, const eq_add_fast_params *p)
{
    const eq_sums first = eq_add(eq_times(x, eq_all(p->a_factor)), eq_all(p->offset));
    return eq_shift_right(eq_add(first, eq_times(y, eq_all(p->b_factor))), eq_all(p->right_shift));
}

EQ_INLINE void eq_add_fast(const eq_add_fast_params *p, const int8_t *a, const int8_t *b, int8_t *output)
{
    const eq_bounds bounds = eq_bounds_of(0, p->qmin, p->qmax);
    const int32_t n = p->shape[EQ_LAST];
    eq_walk walk = eq_walk_start(a, b);
    do {
        EQ_ALONG(n, walk.first, walk.second, output, eq_fast_sum(x, y, p), bounds);
        output += n;
    } while (eq_walk_next(&walk, p->shape, p->a_stride, p->b_stride));
}

/* eq_multiply with EQ_DOUBLE and a shift that is not positive. */
EQ_INLINE eq_sums eq_twice(eq_sums x, int32_t mantissa, int32_t shift)
{
    const eq_sums high = eq_doubling_high(x, eq_all(mantissa));
    if (shift == 0) {
        return high;
    }
    const eq_sums nudged = eq_add(high, eq_shift_right(high, eq_all(31)));
    return eq_shift_right(eq_add(eq_shift_right(nudged, eq_all(-shift - 1)), eq_all(1)), eq_all(1));
}

/* An operand in the scale that both are added in, with its sign. One whose scale is the larger of both is halved, which
 * is exact. */
EQ_INLINE eq_sums eq_operand(eq_sums x, int32_t zero_point, int32_t mantissa, int32_t shift, int32_t sign)
{
    const eq_sums real = eq_add(x, eq_all(-zero_point)), signs = eq_all(sign);
    if (shift == 0 && mantissa == 1 << 30) {
        return eq_times(real, eq_times(signs, eq_all(1 << (EQ_EXTRA_BITS - 1))));
    }
    return eq_times(eq_twice(eq_times(real, eq_all(1 << EQ_EXTRA_BITS)), mantissa, shift), signs);
}

EQ_INLINE eq_sums eq_double_sum(eq_sums x, eq_sums y, const eq_add_double_params *p)
{
    const eq_sums a = eq_operand(x, p->a_zero_point, p->a_mantissa, p->a_shift, p->a_sign);
    const eq_sums b = eq_operand(y, p->b_zero_point, p->b_mantissa, p->b_shift, p->b_sign);
    return eq_twice(eq_add(a, b), p->mantissa, p->shift);
}

EQ_INLINE void eq_add_double(const eq_add_double_params *q, const int8_t *a, const int8_t *b, int8_t *output)
{
    const eq_add_double_params own = *q, *const p = &own; /* what is stored cannot change it: it stays in registers */
    const eq_bounds bounds = eq_bounds_of(p->zero_point, p->qmin, p->qmax);
    const int32_t n = p->shape[EQ_LAST];
    eq_walk walk = eq_walk_start(a, b);
    do {
        EQ_ALONG(n, walk.first, walk.second, output, eq_double_sum(x, y, p), bounds);
        output += n;
    } while (eq_walk_next(&walk, p->shape, p->a_stride, p->b_stride));
}

EQ_INLINE void eq_add_nearest(const eq_add_nearest_params *p, const int8_t *a, const int8_t *b, int8_t *output)
{
    const float factors[3] = {p->a_factor, p->b_factor, p->offset};
    const eq_bounds bounds = eq_bounds_of(0, p->qmin, p->qmax);
    const int32_t n = p->shape[EQ_LAST];
    eq_walk walk = eq_walk_start(a, b);
    do {
        EQ_ALONG(n, walk.first, walk.second, output, eq_weighted(x, y, factors), bounds);
        output += n;
    } while (eq_walk_next(&walk, p->shape, p->a_stride, p->b_stride));
}

#define EQ_DEFINE(rounding)                                                                                            \
    void eq_add_avx2_##rounding(const eq_add_##rounding##_params *p, const int8_t *a, const int8_t *b, int8_t *output) \
    {                                                                                                                  \
        eq_add_##rounding(p, a, b, output);                                                                            \
    }                                                                                                                  \
    void eq_add_const_avx2_##rounding(const eq_add_##rounding##_params *p, const int8_t *a, int8_t *output)            \
    {                                                                                                                  \
        eq_add_##rounding(p, a, p->constant, output);                                                                  \
    }
EQ_DEFINE(fast)
EQ_DEFINE(double)
EQ_DEFINE(nearest)
