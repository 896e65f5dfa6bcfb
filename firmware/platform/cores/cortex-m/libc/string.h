/* For compilers that come without a C library; memory.c has the functions. */
#ifndef EQ_STRING_H
#define EQ_STRING_H

#include <stddef.h>

void *memcpy(void *restrict to, const void *restrict from, size_t bytes);
void *memmove(void *to, const void *from, size_t bytes);
void *memset(void *to, int value, size_t bytes);
int memcmp(const void *a, const void *b, size_t bytes);

/* Such compilers take code to be freestanding, where a call of a plain memcpy remains one even if it is to move but a
 * word. */
#define memcpy __builtin_memcpy
#define memset __builtin_memset

#endif
