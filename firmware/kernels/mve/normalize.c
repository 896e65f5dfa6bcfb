#include "eq/mve.h"
#include "eq/normalize_mve.h"

/* As many elements as have sums of squares that surely fit 32 bits. */
enum { MOST = 1 << 16 };

static void add_statistics(const int8_t *from, int32_t count, int32_t *sum, int64_t *squares)
{
    while (count > 0) {
        const int32_t part = count < MOST ? count : MOST;
        int32_t s = 0, q = 0;
        for (int32_t i = 0; i < part; i += 16) {
            const eq_s8x16 x = eq_load_s8_n(from + i, part - i);
            s = eq_add_across_s8(s, x);
            q = eq_dot_s8(q, x, x);
        }
        *sum += s;
        *squares += q;
        from += part;
        count -= part;
    }
}

/* How the elements of a set become results. */
typedef struct {
    eq_s32x4 addend, least, most;
    int32_t factor, first_shift, last_shift;
} way;

EQ_INLINE eq_s32x4 normalized(way w, eq_s32x4 q, eq_s32x4 scale, eq_s32x4 offset)
{
    const eq_s32x4 product = eq_high_s32(eq_multiply_add_s32(w.addend, q, w.factor), scale);
    const eq_s32x4 y = eq_shift_s32(eq_add_s32(eq_shift_s32(product, w.first_shift), offset), w.last_shift);
    return eq_min_s32(eq_max_s32(y, w.least), w.most);
}

/* Elements in a row, four at once; `step` is a constant. The last vector may have fewer. */
EQ_INLINE void normalize(way w, const int8_t *in, int8_t *out, int32_t count, const int32_t *scale,
                         const int32_t *offset, int32_t step)
{
    eq_s32x4 scales = eq_dup_s32(*scale), offsets = eq_dup_s32(*offset);
    int32_t left = count;
    for (; left >= 4; left -= 4, in += 4, out += 4) {
        if (step) {
            scales = eq_load_s32(scale);
            offsets = eq_load_s32(offset);
            scale += 4;
            offset += 4;
        }
        eq_store_s32_to_s8(out, normalized(w, eq_load_s8_to_s32(in), scales, offsets));
    }
    if (left > 0) {
        if (step) {
            scales = eq_load_s32_n(scale, left);
            offsets = eq_load_s32_n(offset, left);
        }
        eq_store_s32_to_s8_n(out, normalized(w, eq_load_s8_to_s32_n(in, left), scales, offsets), left);
    }
}

void eq_normalize_mve(const eq_normalize_params *p, const int8_t *input, int8_t *output)
{
    const int32_t pixel = p->groups * p->inner, size = p->middle * pixel;
    for (int32_t n = 0; n < p->outer; n++, input += size, output += size) {
        for (int32_t first = 0; first < pixel; first += p->inner) {
            int32_t sum = 0;
            int64_t squares = 0;
            for (int32_t at = first; at < size; at += pixel) {
                add_statistics(input + at, p->inner, &sum, &squares);
            }
            const eq_normalizer set = eq_normalizer_of(p, sum, squares);
            const way w = {
                eq_dup_s32(set.addend), eq_dup_s32(p->qmin), eq_dup_s32(p->qmax), set.factor, -set.shift, -p->fraction};
            for (int32_t at = first; at < size; at += pixel) {
                if (p->step) {
                    normalize(w, input + at, output + at, p->inner, p->scale + first, p->offset + first, 1);
                } else {
                    normalize(w, input + at, output + at, p->inner, p->scale, p->offset, 0);
                }
            }
        }
    }
}
