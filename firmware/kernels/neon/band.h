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

/* n bytes, at least one; no others are read or written. */
EQ_INLINE void eq_copy_bytes(int8_t *to, const int8_t *from, int32_t n)
{
    if (n >= 16) {
        const int8x16_t last = vld1q_s8(from + n - 16);
        for (int32_t i = 0; i + 16 <= n; i += 16) {
            vst1q_s8(to + i, vld1q_s8(from + i));
        }
        vst1q_s8(to + n - 16, last);
    } else if (n >= 8) {
        const int8x8_t first = vld1_s8(from), last = vld1_s8(from + n - 8);
        vst1_s8(to, first);
        vst1_s8(to + n - 8, last);
    } else if (n >= 4) {
        int32_t first, last;
        memcpy(&first, from, 4);
        memcpy(&last, from + n - 4, 4);
        memcpy(to, &first, 4);
        memcpy(to + n - 4, &last, 4);
    } else {
        to[0] = from[0];
        to[n / 2] = from[n / 2];
        to[n - 1] = from[n - 1];
    }
}

/* The first `channels` of each pixel of a band whose pixels have in_c. */
static inline void eq_copy_channels(const eq_band *b, int32_t channels, const int8_t *image, int8_t *to)
{
    const int32_t begin = eq_within(-b->left, 0, b->columns), end = eq_within(b->in_w - b->left, begin, b->columns);
    for (int32_t i = 0; i < b->rows; i++) {
        const int32_t y = b->top + i;
        if (y < 0 || y >= b->in_h || begin == end) {
            memset(to, b->pad_value, (size_t)(b->columns * channels));
            to += b->columns * channels;
            continue;
        }
        const int8_t *from = image + ((int64_t)y * b->in_w + b->left + begin) * b->in_c;
        memset(to, b->pad_value, (size_t)(begin * channels));
        to += begin * channels;
        for (int32_t x = begin; x < end; x++) {
            eq_copy_bytes(to, from, channels);
            to += channels;
            from += b->in_c;
        }
        memset(to, b->pad_value, (size_t)((b->columns - end) * channels));
        to += (b->columns - end) * channels;
    }
}

#endif
