/* The part of a window that lies inside an image, along one dimension. */
#ifndef EQ_NEON_WINDOW_H
#define EQ_NEON_WINDOW_H

#include <stdint.h>

typedef struct {
    int32_t first; /* index in the image */
    int32_t count; /* elements of the window inside of it */
} eq_span;

static inline eq_span eq_span_of(int32_t at, int32_t taps, int32_t dilation, int32_t size)
{
    const int32_t outside = at < 0 ? (dilation - 1 - at) / dilation : 0, first = at + outside * dilation;
    const int32_t room = first < size ? (size - first + dilation - 1) / dilation : 0, left = taps - outside;
    const eq_span s = {first, left < room ? left : room};
    return s;
}

#endif
