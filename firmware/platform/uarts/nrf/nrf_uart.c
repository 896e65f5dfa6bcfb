/* The UART of Nordic's nRF51 and nRF52 (nRF51 Series Reference Manual, 29; nRF52840 Product Specification, UART). */
#include "eq_console.h"
#include "registers.h"
#include "uart.h"

#define TASKS_STARTRX EQ_REGISTER(EQ_UART_BASE + 0x000u)
#define TASKS_STARTTX EQ_REGISTER(EQ_UART_BASE + 0x008u)
#define EVENTS_RXDRDY EQ_REGISTER(EQ_UART_BASE + 0x108u)
#define EVENTS_TXDRDY EQ_REGISTER(EQ_UART_BASE + 0x11Cu)
#define ENABLE EQ_REGISTER(EQ_UART_BASE + 0x500u)
#define PSELTXD EQ_REGISTER(EQ_UART_BASE + 0x50Cu)
#define PSELRXD EQ_REGISTER(EQ_UART_BASE + 0x514u)
#define RXD EQ_REGISTER(EQ_UART_BASE + 0x518u)
#define TXD EQ_REGISTER(EQ_UART_BASE + 0x51Cu)
#define BAUDRATE EQ_REGISTER(EQ_UART_BASE + 0x524u)

enum { UART_ENABLED = 4 };

/* The rate is clock * BAUDRATE / 2^32. */
enum { CLOCK_HZ = 16000000, STEP = 1 << 12 };

/* The first byte is sent at once; of every other the one before must have been. */
static int sending;

void eq_uart_start(uint32_t clock_hz)
{
    PSELTXD = EQ_UART_TX;
    PSELRXD = EQ_UART_RX;
    (void)clock_hz; /* which is the same in all of these chips: known here, the division needs no code */
    BAUDRATE = (uint32_t)((((uint64_t)EQ_UART_BAUD << 32) / CLOCK_HZ + STEP / 2) & ~(uint64_t)(STEP - 1));
    ENABLE = UART_ENABLED;
    EVENTS_RXDRDY = 0;
    EVENTS_TXDRDY = 0;
    sending = 0;
    TASKS_STARTTX = 1;
    TASKS_STARTRX = 1;
}

int eq_uart_read_byte(void)
{
    if (!EVENTS_RXDRDY) {
        return EQ_CONSOLE_NOTHING;
    }
    EVENTS_RXDRDY = 0; /* before reading RXD, which lets the next byte through */
    return (int)(RXD & 0xFF);
}

int eq_uart_can_write(void)
{
    return !sending || EVENTS_TXDRDY;
}

int eq_uart_has_sent(void)
{
    return !sending || EVENTS_TXDRDY;
}

void eq_uart_write_byte(uint8_t byte)
{
    EVENTS_TXDRDY = 0;
    sending = 1;
    TXD = byte;
}
