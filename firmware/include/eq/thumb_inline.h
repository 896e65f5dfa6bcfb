/* EQ_FLATTEN: bodies that each rounding's function gets for itself, so that the rounding is a constant in them.
 * EQ_APART: loops that get all registers for themselves. */
#ifndef EQ_THUMB_INLINE_H
#define EQ_THUMB_INLINE_H

#if defined(__GNUC__) || defined(__clang__)
#define EQ_FLATTEN static inline __attribute__((always_inline))
#define EQ_APART static __attribute__((noinline))
#else
#define EQ_FLATTEN static inline
#define EQ_APART static
#endif

#endif
