/* The part of a pool's window that lies inside the image. */
#ifndef EQ_MVE_WINDOW_H
#define EQ_MVE_WINDOW_H

#include <stdint.h>

/* Rows and columns of the image, `down` and `right` apart. */
typedef struct {
    int32_t top, bottom, left, right; /* first, and one behind the last */
} eq_window;

/* The first of start, start + dilation … that is not negative. */
static inline int32_t eq_first_inside(int32_t start, int32_t dilation)
{
    while (start < 0) {
        start += dilation;
    }
    return start;
}

static inline int32_t eq_least(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

/* The window of output pixel (y, x) from the members of a pool's parameters. */
#define EQ_WINDOW(p, y, x)                                                                                             \
    {eq_first_inside((y) * (p)->stride_h - (p)->pad_top, (p)->dilation_h),                                             \
     eq_least((y) * (p)->stride_h - (p)->pad_top + ((p)->kernel_h - 1) * (p)->dilation_h + 1, (p)->in_h),              \
     eq_first_inside((x) * (p)->stride_w - (p)->pad_left, (p)->dilation_w),                                            \
     eq_least((x) * (p)->stride_w - (p)->pad_left + ((p)->kernel_w - 1) * (p)->dilation_w + 1, (p)->in_w)}

#endif
