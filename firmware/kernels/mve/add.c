#include "eq/add_mve.h"
#include "operand.h"
#include "requant.h"

enum { LAST = EQ_MAX_RANK - 1, EXTRA_BITS = 20 };

/* (a * a_factor + b * b_factor + offset) >> shift, clamped, of n elements. */
static void add_two(const eq_add_fast_params *p, const int8_t *a, const int8_t *b, int8_t *out, int32_t n)
{
    const eq_s32x4 low = eq_dup_s32(p->qmin), high = eq_dup_s32(p->qmax), factor = eq_dup_s32(p->a_factor);
#if EQ_MVE_NATIVE
    __asm__ volatile("dlstp.32 lr, %[n]\n"
                     "1:\n\t"
                     "vldrb.s32 q0, [%[a]], #4\n\t"
                     "vldrb.s32 q1, [%[b]], #4\n\t"
                     "vmlas.s32 q0, %q[factor], %[offset]\n\t"
                     "vmla.s32 q0, q1, %[b_factor]\n\t"
                     "vshl.s32 q0, %[shift]\n\t"
                     "vmax.s32 q0, q0, %q[low]\n\t"
                     "vmin.s32 q0, q0, %q[high]\n\t"
                     "vstrb.32 q0, [%[out]], #4\n\t"
                     "letp lr, 1b"
                     : [a] "+l"(a), [b] "+l"(b), [out] "+l"(out)
                     : [n] "r"(n), [factor] "w"(factor), [offset] "r"(p->offset), [b_factor] "r"(p->b_factor),
                       [shift] "r"(-p->right_shift), [low] "w"(low), [high] "w"(high)
                     : "lr", "q0", "q1", "memory");
#else
    for (int32_t i = 0; i < n; i += 4) {
        const eq_s32x4 x = eq_add_scalar_s32(eq_multiply_s32(eq_load_s8_to_s32_n(a + i, n - i), factor), p->offset);
        const eq_s32x4 y = eq_multiply_add_s32(x, eq_load_s8_to_s32_n(b + i, n - i), p->b_factor);
        eq_store_s32_to_s8_n(out + i, eq_min_s32(eq_max_s32(eq_shift_s32(y, -p->right_shift), low), high), n - i);
    }
#endif
}

/* The same where one operand is constant and in the offset. */
static void add_one(const eq_add_fast_params *p, const int8_t *a, int32_t factor, int32_t offset, int8_t *out,
                    int32_t n)
{
    const eq_s32x4 low = eq_dup_s32(p->qmin), high = eq_dup_s32(p->qmax);
    for (int32_t i = 0; i < n; i += 4) {
        const eq_s32x4 x = eq_multiply_add_s32(eq_dup_s32(offset), eq_load_s8_to_s32_n(a + i, n - i), factor);
        eq_store_s32_to_s8_n(out + i, eq_min_s32(eq_max_s32(eq_shift_s32(x, -p->right_shift), low), high), n - i);
    }
}

static void add_fast(const eq_add_fast_params *p, const int8_t *a, const int8_t *b, int8_t *output)
{
    const int32_t n = p->shape[LAST];
    eq_walk walk = eq_walk_start(a, b);
    do {
        const int8_t *const x = walk.first, *const y = walk.second;
        if (p->a_stride[LAST] && p->b_stride[LAST]) {
            add_two(p, x, y, output, n);
        } else if (p->a_stride[LAST]) {
            add_one(p, x, p->a_factor, p->offset + *y * p->b_factor, output, n);
        } else {
            add_one(p, y, p->b_factor, p->offset + *x * p->a_factor, output, n);
        }
        output += n;
    } while (eq_walk_next(&walk, p->shape, p->a_stride, p->b_stride));
}

EQ_INLINE eq_s32x4 scaled(eq_s32x4 x, int32_t zero_point, int32_t mantissa, int32_t shift, int32_t sign)
{
    const eq_s32x4 wide = eq_multiply_scalar_s32(eq_add_scalar_s32(x, -zero_point), 1 << EXTRA_BITS);
    return eq_multiply_scalar_s32(eq_scale_all(wide, mantissa, shift, EQ_DOUBLE), sign);
}

static void add_double(const eq_add_double_params *p, const int8_t *a, const int8_t *b, int8_t *output)
{
    const eq_output q = {p->zero_point, p->qmin, p->qmax};
    const int32_t n = p->shape[LAST];
    eq_walk walk = eq_walk_start(a, b);
    do {
        for (int32_t i = 0; i < n; i += 4) {
            const eq_s32x4 x = eq_operand(walk.first, p->a_stride[LAST], i, n);
            const eq_s32x4 y = eq_operand(walk.second, p->b_stride[LAST], i, n);
            const eq_s32x4 sum = eq_add_s32(scaled(x, p->a_zero_point, p->a_mantissa, p->a_shift, p->a_sign),
                                            scaled(y, p->b_zero_point, p->b_mantissa, p->b_shift, p->b_sign));
            eq_store_output_n(output + i, eq_scale_all(sum, p->mantissa, p->shift, EQ_DOUBLE), q, n - i);
        }
        output += n;
    } while (eq_walk_next(&walk, p->shape, p->a_stride, p->b_stride));
}

void eq_add_mve_fast(const eq_add_fast_params *p, const int8_t *a, const int8_t *b, int8_t *output)
{
    add_fast(p, a, b, output);
}

void eq_add_const_mve_fast(const eq_add_fast_params *p, const int8_t *a, int8_t *output)
{
    add_fast(p, a, p->constant, output);
}

void eq_add_mve_double(const eq_add_double_params *p, const int8_t *a, const int8_t *b, int8_t *output)
{
    add_double(p, a, b, output);
}

void eq_add_const_mve_double(const eq_add_double_params *p, const int8_t *a, int8_t *output)
{
    add_double(p, a, p->constant, output);
}
