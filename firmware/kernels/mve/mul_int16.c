#include "eq/broadcast_int16.h"
#include "eq/pair_int16.h"
#include "finish_int16.h"

enum { LAST = EQ_MAX_RANK - 1 };

/* `count` elements that follow each other. */
EQ_INLINE void multiply_row(const eq_mul_int16_params *p, const int16_t *a, const int16_t *b, int16_t *to,
                            int32_t count)
{
    const int32_t mantissa = p->mantissa, shift = p->shift + 1;
#if EQ_MVE_NATIVE
    const eq_s32x4 low = eq_dup_s32(p->qmin), high = eq_dup_s32(p->qmax), factor = eq_dup_s32(mantissa);
    __asm__ volatile("dlstp.32 lr, %[n]\n"
                     "1:\n\t"
                     "vldrh.s32 q0, [%[a]], #8\n\t"
                     "vldrh.s32 q1, [%[b]], #8\n\t"
                     "vmul.i32 q0, q0, q1\n\t"
                     "vmulh.s32 q0, q0, %q[factor]\n\t"
                     "vrshl.s32 q0, %[shift]\n\t"
                     "vmax.s32 q0, q0, %q[low]\n\t"
                     "vmin.s32 q0, q0, %q[high]\n\t"
                     "vstrh.32 q0, [%[to]], #8\n\t"
                     "letp lr, 1b"
                     : [a] "+l"(a), [b] "+l"(b), [to] "+l"(to)
                     : [n] "r"(count), [factor] "w"(factor), [shift] "r"(shift), [low] "w"(low), [high] "w"(high)
                     : "lr", "q0", "q1", "memory");
#else
    const eq_s32x4 factor = eq_dup_s32(mantissa), places = eq_dup_s32(shift);
    for (; count > 0; count -= 4, a += 4, b += 4, to += 4) {
        const eq_s32x4 product = eq_multiply_s32(eq_load_s16_to_s32_n(a, count), eq_load_s16_to_s32_n(b, count));
        eq_store_s32_to_s16_n(to, eq_to_int16(product, factor, places, p->qmin, p->qmax), count);
    }
#endif
}

/* The same with one element of b for all. */
EQ_INLINE void multiply_row_by(const eq_mul_int16_params *p, const int16_t *a, int32_t b, int16_t *to, int32_t count)
{
    const int32_t mantissa = p->mantissa, shift = p->shift + 1;
#if EQ_MVE_NATIVE
    const eq_s32x4 low = eq_dup_s32(p->qmin), high = eq_dup_s32(p->qmax), factor = eq_dup_s32(mantissa);
    __asm__ volatile(
        "dlstp.32 lr, %[n]\n"
        "1:\n\t"
        "vldrh.s32 q0, [%[a]], #8\n\t"
        "vmul.i32 q0, q0, %[b]\n\t"
        "vmulh.s32 q0, q0, %q[factor]\n\t"
        "vrshl.s32 q0, %[shift]\n\t"
        "vmax.s32 q0, q0, %q[low]\n\t"
        "vmin.s32 q0, q0, %q[high]\n\t"
        "vstrh.32 q0, [%[to]], #8\n\t"
        "letp lr, 1b"
        : [a] "+l"(a), [to] "+l"(to)
        : [n] "r"(count), [b] "r"(b), [factor] "w"(factor), [shift] "r"(shift), [low] "w"(low), [high] "w"(high)
        : "lr", "q0", "memory");
#else
    const eq_s32x4 factor = eq_dup_s32(mantissa), places = eq_dup_s32(shift);
    for (; count > 0; count -= 4, a += 4, to += 4) {
        const eq_s32x4 product = eq_multiply_scalar_s32(eq_load_s16_to_s32_n(a, count), b);
        eq_store_s32_to_s16_n(to, eq_to_int16(product, factor, places, p->qmin, p->qmax), count);
    }
#endif
}

/* Each operand is contiguous along a row, or one element for all of it. */
EQ_INLINE void multiply(const eq_mul_int16_params *p, const int16_t *a, const int16_t *b, int16_t *output)
{
    const int32_t columns = p->shape[LAST];
    eq_walk16 walk = eq_walk16_start(a, b);
    do {
        if (!p->b_stride[LAST]) {
            multiply_row_by(p, walk.first, *walk.second, output, columns);
        } else if (!p->a_stride[LAST]) {
            multiply_row_by(p, walk.second, *walk.first, output, columns);
        } else {
            multiply_row(p, walk.first, walk.second, output, columns);
        }
        output += columns;
    } while (eq_walk16_next(&walk, p->shape, p->a_stride, p->b_stride));
}

void eq_mul_int16_mve(const eq_mul_int16_params *p, const int16_t *a, const int16_t *b, int16_t *output)
{
    multiply(p, a, b, output);
}

void eq_mul_int16_const_mve(const eq_mul_int16_params *p, const int16_t *a, int16_t *output)
{
    multiply(p, a, p->constant, output);
}
