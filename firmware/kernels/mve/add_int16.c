#include "eq/broadcast_int16.h"
#include "eq/mve.h"
#include "eq/pair_int16.h"

enum { LAST = EQ_MAX_RANK - 1 };

/* `count` elements that follow each other. */
EQ_INLINE void add_row(const eq_add_int16_params *p, const int16_t *a, const int16_t *b, int16_t *to, int32_t count)
{
    const int32_t shift = -p->right_shift;
    const eq_s32x4 low = eq_dup_s32(p->qmin), high = eq_dup_s32(p->qmax), factor = eq_dup_s32(p->a_factor);
#if EQ_MVE_NATIVE
    __asm__ volatile("dlstp.32 lr, %[n]\n"
                     "1:\n\t"
                     "vldrh.s32 q0, [%[a]], #8\n\t"
                     "vldrh.s32 q1, [%[b]], #8\n\t"
                     "vmlas.s32 q0, %q[factor], %[offset]\n\t"
                     "vmla.s32 q0, q1, %[b_factor]\n\t"
                     "vshl.s32 q0, %[shift]\n\t"
                     "vmax.s32 q0, q0, %q[low]\n\t"
                     "vmin.s32 q0, q0, %q[high]\n\t"
                     "vstrh.32 q0, [%[to]], #8\n\t"
                     "letp lr, 1b"
                     : [a] "+l"(a), [b] "+l"(b), [to] "+l"(to)
                     : [n] "r"(count), [factor] "w"(factor), [offset] "r"(p->offset), [b_factor] "r"(p->b_factor),
                       [shift] "r"(shift), [low] "w"(low), [high] "w"(high)
                     : "lr", "q0", "q1", "memory");
#else
    for (; count > 0; count -= 4, a += 4, b += 4, to += 4) {
        const eq_s32x4 first = eq_multiply_s32(eq_load_s16_to_s32_n(a, count), factor);
        const eq_s32x4 both = eq_multiply_add_s32(first, eq_load_s16_to_s32_n(b, count), p->b_factor);
        const eq_s32x4 sum = eq_shift_s32(eq_add_scalar_s32(both, p->offset), shift);
        eq_store_s32_to_s16_n(to, eq_min_s32(eq_max_s32(sum, low), high), count);
    }
#endif
}

/* The same with one element of b for all; it is in the offset. */
EQ_INLINE void add_to_row(const eq_add_int16_params *p, const int16_t *a, int32_t a_factor, int32_t offset, int16_t *to,
                          int32_t count)
{
    const int32_t shift = -p->right_shift;
    const eq_s32x4 low = eq_dup_s32(p->qmin), high = eq_dup_s32(p->qmax), factor = eq_dup_s32(a_factor);
#if EQ_MVE_NATIVE
    __asm__ volatile("dlstp.32 lr, %[n]\n"
                     "1:\n\t"
                     "vldrh.s32 q0, [%[a]], #8\n\t"
                     "vmlas.s32 q0, %q[factor], %[offset]\n\t"
                     "vshl.s32 q0, %[shift]\n\t"
                     "vmax.s32 q0, q0, %q[low]\n\t"
                     "vmin.s32 q0, q0, %q[high]\n\t"
                     "vstrh.32 q0, [%[to]], #8\n\t"
                     "letp lr, 1b"
                     : [a] "+l"(a), [to] "+l"(to)
                     : [n] "r"(count), [factor] "w"(factor), [offset] "r"(offset), [shift] "r"(shift), [low] "w"(low),
                       [high] "w"(high)
                     : "lr", "q0", "memory");
#else
    for (; count > 0; count -= 4, a += 4, to += 4) {
        const eq_s32x4 product = eq_multiply_s32(eq_load_s16_to_s32_n(a, count), factor);
        const eq_s32x4 sum = eq_shift_s32(eq_add_scalar_s32(product, offset), shift);
        eq_store_s32_to_s16_n(to, eq_min_s32(eq_max_s32(sum, low), high), count);
    }
#endif
}

/* Each operand is contiguous along a row, or one element for all of it. */
EQ_INLINE void add(const eq_add_int16_params *p, const int16_t *a, const int16_t *b, int16_t *output)
{
    const int32_t columns = p->shape[LAST];
    eq_walk16 walk = eq_walk16_start(a, b);
    do {
        if (!p->b_stride[LAST]) {
            const int32_t offset = p->offset + *walk.second * p->b_factor;
            add_to_row(p, walk.first, p->a_factor, offset, output, columns);
        } else if (!p->a_stride[LAST]) {
            const int32_t offset = p->offset + *walk.first * p->a_factor;
            add_to_row(p, walk.second, p->b_factor, offset, output, columns);
        } else {
            add_row(p, walk.first, walk.second, output, columns);
        }
        output += columns;
    } while (eq_walk16_next(&walk, p->shape, p->a_stride, p->b_stride));
}

void eq_add_int16_mve(const eq_add_int16_params *p, const int16_t *a, const int16_t *b, int16_t *output)
{
    add(p, a, b, output);
}

void eq_add_int16_const_mve(const eq_add_int16_params *p, const int16_t *a, int16_t *output)
{
    add(p, a, p->constant, output);
}
