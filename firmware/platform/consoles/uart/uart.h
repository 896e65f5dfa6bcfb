/* What the console asks of the driver of a UART (firmware/platform/uarts), and of nobody else.
 *
 * The target's file says which UART it is: EQ_UART_BASE, its first register; EQ_UART_BAUD; EQ_UART_TX and EQ_UART_RX,
 * its pins as the family numbers them; EQ_UART_FUNCTION, what the pins are connected as. */
#ifndef EQ_UART_H
#define EQ_UART_H

#include <stdint.h>

/* Switches the UART on, 8 data bits, no parity, one stop bit; `clock_hz` is what its baud rate is divided from. */
void eq_uart_start(uint32_t clock_hz);

/* The next byte, or EQ_CONSOLE_NOTHING. */
int eq_uart_read_byte(void);

/* Whether there is room for a byte, and whether all have been sent. */
int eq_uart_can_write(void);
int eq_uart_has_sent(void);

/* Sends a byte, for which there is room. */
void eq_uart_write_byte(uint8_t byte);

#endif
