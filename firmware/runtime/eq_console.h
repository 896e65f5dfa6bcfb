/* A stream of bytes in both directions, as a serial line has it; the console's part of a platform implements it. */
#ifndef EQ_CONSOLE_H
#define EQ_CONSOLE_H

#include <stddef.h>
#include <stdint.h>

#define EQ_CONSOLE_NOTHING (-1)
#define EQ_CONSOLE_ENDED (-2)

/* Switches the line on. Called again it changes nothing. */
void eq_console_init(void);

/* The next byte, 0 to 255; EQ_CONSOLE_NOTHING where none has come since, or EQ_CONSOLE_ENDED where none ever will, as
 * after the end of a file. May wait for one, if meanwhile none is lost. */
int eq_console_read_byte(void);

/* Sends all bytes. Waits for the transmitter, but not forever: bytes that it does not take are lost. */
void eq_console_write(const uint8_t *data, size_t bytes);

#endif
