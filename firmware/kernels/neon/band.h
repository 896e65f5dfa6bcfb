/* Rows of an image, copied with what lies outside of the image around them. */
#ifndef EQ_NEON_BAND_H
#define EQ_NEON_BAND_H

#include "eq/neon.h"

typedef struct {
    int32_t in_h, in_w, in_c;
    int32_t top, left;     /* row and column of the image that the copy begins with; may be outside */
    int32_t rows, columns; /* that are copied */
    int32_t pad_value;
} eq_band;

EQ_INLINE int32_t eq_within(int32_t a, int32_t low, int32_t high)
{
    return a < low ? low : a > high ? high : a;
}

/* Sixteen bytes at once, and up to fifteen more. */
EQ_INLINE void eq_copy_over(int8_t *to, const int8_t *from, int32_t bytes)
{
    for (int32_t i = 0; i < bytes; i += 16) {
        vst1q_s8(to + i, vld1q_s8(from + i));
    }
}

/* Rows of `columns * in_c` bytes, one after another. */
static inline void eq_copy_band(const eq_band *b, const int8_t *image, int8_t *to)
{
    const int32_t begin = eq_within(-b->left, 0, b->columns), end = eq_within(b->in_w - b->left, begin, b->columns);
    const size_t before = (size_t)(begin * b->in_c), inside = (size_t)((end - begin) * b->in_c);
    const size_t after = (size_t)((b->columns - end) * b->in_c);
    for (int32_t i = 0; i < b->rows; i++) {
        const int32_t y = b->top + i;
        if (y < 0 || y >= b->in_h || inside == 0) {
            memset(to, b->pad_value, before + inside + after);
        } else {
            memset(to, b->pad_value, before);
            memcpy(to + before, image + ((int64_t)y * b->in_w + b->left + begin) * b->in_c, inside);
            memset(to + before + inside, b->pad_value, after);
        }
        to += before + inside + after;
    }
}

#endif
