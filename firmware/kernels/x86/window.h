/* Which taps of a window lie inside the input. */
#ifndef EQ_X86_WINDOW_H
#define EQ_X86_WINDOW_H

#include "vectors.h"

EQ_INLINE int32_t eq_least(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

/* The first tap of a row of `taps`, `dilation` apart, that is not before pixel 0, where the row begins at `first`. */
EQ_INLINE int32_t eq_first_tap(int32_t first, int32_t dilation, int32_t taps)
{
    return first >= 0 ? 0 : eq_least((-first + dilation - 1) / dilation, taps);
}

/* The number of taps that begin before pixel `size`. */
EQ_INLINE int32_t eq_last_tap(int32_t first, int32_t dilation, int32_t taps, int32_t size)
{
    return first >= size ? 0 : eq_least((size - first + dilation - 1) / dilation, taps);
}

#endif
