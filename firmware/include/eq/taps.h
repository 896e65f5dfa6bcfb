/* Which taps of a window meet the image along one dimension. */
#ifndef EQ_TAPS_H
#define EQ_TAPS_H

#include <stdint.h>

typedef struct {
    int32_t start;      /* where the window's first tap lies, perhaps outside */
    int32_t first, end; /* the taps that lie inside */
} eq_taps;

static inline eq_taps eq_taps_inside(int32_t position, int32_t stride, int32_t before, int32_t dilation, int32_t kernel,
                                     int32_t size)
{
    eq_taps taps;
    taps.start = position * stride - before;
    taps.first = taps.start < 0 ? (dilation - 1 - taps.start) / dilation : 0;
    const int32_t end = taps.start < size ? (size - taps.start + dilation - 1) / dilation : 0;
    taps.end = end < kernel ? end : kernel;
    return taps;
}

#endif
