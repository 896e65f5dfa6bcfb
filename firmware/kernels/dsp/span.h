/* The part of a window that lies inside an image, along one dimension. */
#ifndef EQ_DSP_SPAN_H
#define EQ_DSP_SPAN_H

#include <stdint.h>

typedef struct {
    int32_t first; /* index in the image */
    int32_t count; /* elements of the window inside of it */
} eq_span;

static inline eq_span eq_span_of(int32_t start, int32_t kernel, int32_t dilation, int32_t size)
{
    const int32_t skipped = start < 0 ? (dilation - 1 - start) / dilation : 0;
    const int32_t first = start + skipped * dilation;
    const int32_t room = first < size ? (size - first + dilation - 1) / dilation : 0;
    const int32_t left = kernel - skipped;
    const eq_span span = {first, left < room ? left : room};
    return span;
}

#endif
