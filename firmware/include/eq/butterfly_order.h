#ifndef EQ_BUTTERFLY_ORDER_H
#define EQ_BUTTERFLY_ORDER_H

#include <stdint.h>

/* Where the first of the pairs is that the next butterfly of the first stage of a transform reads, of radix 4, which
 * goes through its butterflies in the order of their results; `count`: of butterflies. */
static inline int32_t eq_following(int32_t source, int32_t count)
{
    int32_t top = count, stride = count / 4;
    for (;;) {
        source += stride;
        if (source < top || stride <= 1) {
            return source;
        }
        source -= top;
        top = stride;
        stride /= 4;
    }
}

#endif
