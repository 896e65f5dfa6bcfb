/* What a firmware needs of its board: a line of text out, and an end. Here both ask the debugger, or the emulator. */
#ifndef BOARD_H
#define BOARD_H

void board_print(const char *text);
void board_print_number(unsigned long value);
void board_exit(int code) __attribute__((noreturn));

#endif
