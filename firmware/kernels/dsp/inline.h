/* How functions are compiled where the compiler's own choice costs flash. */
#ifndef EQ_DSP_INLINE_H
#define EQ_DSP_INLINE_H

/* What is given a function or a rounding: calls are to be direct ones, and only what is chosen is to be compiled. */
#define EQ_INLINE static inline __attribute__((always_inline))
/* What is called in several places off the hot paths. */
#define EQ_NOINLINE __attribute__((noinline))

/* A file of layers' copies of a kernel (EQ_INSTANCE) has in it what the kernel shares with others. */
#ifdef EQ_INSTANCE
#define EQ_SHARED static
#else
#define EQ_SHARED
#endif

#endif
