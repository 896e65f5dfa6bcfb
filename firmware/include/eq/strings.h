/* For files that write large arrays of bytes as string literals, which compilers read many times faster than lists of
 * numbers: no warning that C99 promises less than 4096 characters, nor that the array has no place for a final zero. */
#ifndef EQ_STRINGS_H
#define EQ_STRINGS_H

#if defined(__clang__)
#pragma clang diagnostic ignored "-Woverlength-strings"
#if defined(__has_warning)
#if __has_warning("-Wunterminated-string-initialization")
#pragma clang diagnostic ignored "-Wunterminated-string-initialization"
#endif
#endif
#elif defined(__GNUC__)
#pragma GCC diagnostic ignored "-Woverlength-strings"
#if __GNUC__ >= 15
#pragma GCC diagnostic ignored "-Wunterminated-string-initialization"
#endif
#endif

#endif
