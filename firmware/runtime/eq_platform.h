/* What the runtime needs of the machine that it runs on; the parts of a platform implement it together. */
#ifndef EQ_PLATFORM_H
#define EQ_PLATFORM_H

#include <stddef.h>
#include <stdint.h>

#define EQ_NO_FILE (-1)

/* The program proper. The platform calls it once it has a stack, initialized data and the command line; what it returns
 * is the program's exit code. */
int eq_main(int argc, const char *const *argv);

/* All memory that nothing else uses, aligned to 16 bytes. It may be asked for once. */
void *eq_platform_memory(size_t *bytes);

/* Files, where the main program needs them. `open` gives EQ_NO_FILE if it cannot; `read` and `write` give the number of
 * bytes done. */
int eq_platform_open(const char *path, int writing);
size_t eq_platform_read(int file, void *data, size_t bytes);
size_t eq_platform_write(int file, const void *data, size_t bytes);
void eq_platform_close(int file);

/* Shows a text, as it is, to whoever started the program. */
void eq_platform_message(const char *text);

/* How deep the stack gets: `paint` marks all of it that is free, and `used` tells how many bytes below its caller's
 * stack pointer were written since; 0 where the platform cannot tell. Neither takes stack itself. */
void eq_platform_paint_stack(void);
size_t eq_platform_stack_used(void);

/* Starts the device anew. Returns where there is nothing to start, as on a computer. */
void eq_platform_reset(void);

/* A time that only grows, in the target's unit: nanoseconds, cycles or instructions. */
uint64_t eq_platform_clock(void);

#endif
