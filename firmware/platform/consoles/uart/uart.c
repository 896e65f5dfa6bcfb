/* A serial line as the console. There are no files and no command line at its other end. */
#include "uart.h"
#include "eq_console.h"
#include "eq_platform.h"
#include "parts.h"

/* Times that a register is read until its UART is given up: far more than a byte takes at 9600 baud. */
enum { PATIENCE = 4000000 };

void eq_console_init(void)
{
    static int done;
    if (!done) {
        done = 1;
        eq_uart_start(eq_family_uart());
    }
}

int eq_console_read_byte(void)
{
    return eq_uart_read_byte();
}

static int until(int (*ready)(void))
{
    for (uint32_t left = PATIENCE; left; left--) {
        if (ready()) {
            return 1;
        }
    }
    return 0;
}

void eq_console_write(const uint8_t *data, size_t bytes)
{
    for (size_t i = 0; i < bytes && until(eq_uart_can_write); i++) {
        eq_uart_write_byte(data[i]);
    }
}

void eq_platform_message(const char *text)
{
    size_t bytes = 0;
    while (text[bytes]) {
        bytes++;
    }
    eq_console_init();
    eq_console_write((const uint8_t *)text, bytes);
}

int eq_console_arguments(char *text, size_t bytes, const char **argv, int max)
{
    (void)text;
    (void)bytes;
    (void)argv;
    (void)max;
    return 0;
}

/* There is nobody to take the code: what is to be sent is, and then the device starts anew, so that it answers again.
 */
void eq_console_exit(int code)
{
    (void)code;
    (void)until(eq_uart_has_sent);
    eq_platform_reset();
    for (;;) {
    }
}
