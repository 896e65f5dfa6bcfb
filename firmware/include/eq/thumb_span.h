/* What of a window lies within the image, along one dimension. */
#ifndef EQ_THUMB_SPAN_H
#define EQ_THUMB_SPAN_H

#include <stdint.h>

typedef struct {
    int32_t first, count;
} eq_span;

/* Of `count` taps, `step` apart from `start` on, those in 0 ... size - 1. */
static inline eq_span eq_span_inside(int32_t start, int32_t step, int32_t count, int32_t size)
{
    for (; start < 0 && count > 0; count--) {
        start += step;
    }
    while (count > 0 && start + step * (count - 1) >= size) {
        count--;
    }
    const eq_span span = {start, count};
    return span;
}

#endif
