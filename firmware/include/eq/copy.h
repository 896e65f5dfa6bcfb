/* Copying bytes that may lie over each other. */
#ifndef EQ_COPY_H
#define EQ_COPY_H

#include <stdint.h>
#include <string.h>

/* n bytes, the first one first: `to` may begin anywhere before `from`, or be the same. */
static inline void eq_copy(int8_t *to, const int8_t *from, int32_t n)
{
    const uintptr_t ahead = (uintptr_t)from - (uintptr_t)to;
    if (ahead >= (uintptr_t)n) {
        memcpy(to, from, (size_t)n);
    } else if (ahead > 0) {
        for (int32_t i = 0; i < n; i++) {
            to[i] = from[i];
        }
    }
}

#endif
