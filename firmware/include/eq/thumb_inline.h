/* EQ_FLATTEN: bodies that each rounding's function gets for itself, so that the rounding is a constant in them. */
#ifndef EQ_THUMB_INLINE_H
#define EQ_THUMB_INLINE_H

#if defined(__GNUC__) || defined(__clang__)
#define EQ_FLATTEN static inline __attribute__((always_inline))
#else
#define EQ_FLATTEN static inline
#endif

#endif
