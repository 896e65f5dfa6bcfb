/* What the core asks of the other parts of a platform, and they of nobody else. */
#ifndef EQ_PARTS_H
#define EQ_PARTS_H

#include <stddef.h>
#include <stdint.h>

/* The chip family: clocks, pins and memory that do not work from reset. A family without such needs has no part.
 *
 * `start` has a stack, and variables are not there yet. `uart` gives the console's UART its clock and its pins, and
 * returns the frequency in Hz that its baud rate is divided from. */
void eq_family_start(void);
uint32_t eq_family_uart(void);

/* The timer: called when SysTick's count has come round. */
void eq_systick(void);

/* The console, which also has the files and messages of eq_platform.h.
 *
 * `arguments` cuts the command line at spaces into at most `max` words and returns their number; `text` holds them.
 * `exit` ends the program with this exit code. */
int eq_console_arguments(char *text, size_t bytes, const char **argv, int max);
void eq_console_exit(int code) __attribute__((noreturn));

#endif
