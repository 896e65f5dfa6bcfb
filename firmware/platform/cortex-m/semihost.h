/* Arm semihosting: calls to the debugger or emulator that the core runs under
 * (Semihosting for AArch32 and AArch64, Arm's ABI documents). */
#ifndef EQ_SEMIHOST_H
#define EQ_SEMIHOST_H

#include <stddef.h>
#include <stdint.h>

/* The command line, cut at spaces into at most `max` words; returns their number. `text` holds them. */
int eq_semihost_arguments(char *text, size_t bytes, const char **argv, int max);

/* Ends the program with this exit code. */
void eq_semihost_exit(int code) __attribute__((noreturn));

#endif
