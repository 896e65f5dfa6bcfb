/* The four functions that compilers call on their own, so that no C library is needed.
 *
 * Words where both sides are aligned, bytes otherwise. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#undef memcpy
#undef memset

/* The compiler must not recognize these loops and call the very function that they are in. */
#if defined(__clang__)
#define EQ_LITERAL __attribute__((no_builtin, used))
#else
#define EQ_LITERAL __attribute__((optimize("no-tree-loop-distribute-patterns"), used))
#endif

typedef uint32_t __attribute__((may_alias)) word;

EQ_LITERAL void *memcpy(void *restrict to, const void *restrict from, size_t bytes)
{
    uint8_t *d = to;
    const uint8_t *s = from;
    if ((((uintptr_t)d ^ (uintptr_t)s) & 3) == 0) {
        for (; bytes && (uintptr_t)d & 3; bytes--) {
            *d++ = *s++;
        }
        word *dw = (word *)(void *)d;
        const word *sw = (const word *)(const void *)s;
        for (; bytes >= 16; bytes -= 16, dw += 4, sw += 4) {
            const word a = sw[0], b = sw[1], c = sw[2], e = sw[3];
            dw[0] = a;
            dw[1] = b;
            dw[2] = c;
            dw[3] = e;
        }
        for (; bytes >= 4; bytes -= 4) {
            *dw++ = *sw++;
        }
        d = (uint8_t *)dw;
        s = (const uint8_t *)sw;
    }
    for (; bytes; bytes--) {
        *d++ = *s++;
    }
    return to;
}

EQ_LITERAL void *memmove(void *to, const void *from, size_t bytes)
{
    uint8_t *d = to;
    const uint8_t *s = from;
    if ((uintptr_t)d - (uintptr_t)s >= bytes) {
        return memcpy(to, from, bytes);
    }
    while (bytes--) {
        d[bytes] = s[bytes];
    }
    return to;
}

EQ_LITERAL void *memset(void *to, int value, size_t bytes)
{
    uint8_t *d = to;
    const uint32_t byte = (uint8_t)value;
    for (; bytes && (uintptr_t)d & 3; bytes--) {
        *d++ = (uint8_t)byte;
    }
    word *dw = (word *)(void *)d;
    for (const word all = byte * 0x01010101u; bytes >= 4; bytes -= 4) {
        *dw++ = all;
    }
    for (d = (uint8_t *)dw; bytes; bytes--) {
        *d++ = (uint8_t)byte;
    }
    return to;
}

EQ_LITERAL int memcmp(const void *a, const void *b, size_t bytes)
{
    const uint8_t *x = a;
    const uint8_t *y = b;
    for (; bytes; bytes--, x++, y++) {
        if (*x != *y) {
            return *x - *y;
        }
    }
    return 0;
}
