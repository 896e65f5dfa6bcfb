/* EQ_ALIGN(bytes): alignment of a constant or a buffer, written before its type. */
#ifndef EQ_ALIGN_H
#define EQ_ALIGN_H

#if defined(__GNUC__) || defined(__clang__)
#define EQ_ALIGN(bytes) __attribute__((aligned(bytes)))
#elif defined(_MSC_VER)
#define EQ_ALIGN(bytes) __declspec(align(bytes))
#else
#define EQ_ALIGN(bytes) _Alignas(bytes)
#endif

#endif
