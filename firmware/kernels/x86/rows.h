/* The rows of an image that the current output row reads, in scratch: each as activations and with its borders. */
#ifndef EQ_X86_ROWS_H
#define EQ_X86_ROWS_H

#include "vectors.h"

typedef struct {
    int32_t image_height; /* rows of an image */
    int32_t elements;     /* of a row of an image */
    int32_t border;       /* elements on the left of a row */
    int32_t row;          /* elements of a row in scratch, with borders and what is read beyond */
    int32_t height;       /* rows that are kept */
    int32_t pad_value;
    int32_t next; /* the first row of the image that was not copied yet */
    const int8_t *image;
    eq_activation *lines; /* `height` rows, and one outside of the image */
} eq_rows;

EQ_INLINE eq_activation *eq_aligned(void *scratch)
{
    return (eq_activation *)(((uintptr_t)scratch + 63U) & ~(uintptr_t)63U);
}

EQ_INLINE void eq_rows_begin(const eq_rows *r)
{
    const eq_activation outside = eq_activation_of((int8_t)r->pad_value);
    const int64_t all = (int64_t)(r->height + 1) * r->row;
    for (int64_t i = 0; i < all; i++) {
        r->lines[i] = outside;
    }
}

EQ_INLINE void eq_rows_of_image(eq_rows *r, const int8_t *image)
{
    r->image = image;
    r->next = 0;
}

/* Copies the rows before row `end`, as far as they are needed and there are any. */
EQ_INLINE void eq_rows_until(eq_rows *r, int32_t end)
{
    const int32_t last = end < r->image_height ? end : r->image_height, first = end - r->height;
    const int32_t inside = r->row - r->border, n = r->elements < inside ? r->elements : inside;
    for (int32_t y = r->next > first ? r->next : first; y < last; y++) {
        const int8_t *from = r->image + (int64_t)y * r->elements;
        eq_activation *to = r->lines + (int64_t)(y % r->height) * r->row + r->border;
        eq_collect(to, from, n);
        r->next = y + 1;
    }
}

/* A row of the image with its borders, or of what is around it. */
EQ_INLINE const eq_activation *eq_row(const eq_rows *r, int32_t y)
{
    return r->lines + (int64_t)(y >= 0 && y < r->image_height ? y % r->height : r->height) * r->row;
}

#endif
