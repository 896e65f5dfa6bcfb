/* Arm's CMSDK APB UART (Cortex-M System Design Kit Technical Reference Manual, 4.3.3), which the MPS2 and MPS3 boards
 * have. */
#include "eq_console.h"
#include "registers.h"
#include "uart.h"

#define UART_DATA EQ_REGISTER(EQ_UART_BASE + 0x00u)
#define UART_STATE EQ_REGISTER(EQ_UART_BASE + 0x04u)
#define UART_CTRL EQ_REGISTER(EQ_UART_BASE + 0x08u)
#define UART_BAUDDIV EQ_REGISTER(EQ_UART_BASE + 0x10u)

#define STATE_TX_FULL (1u << 0)
#define STATE_RX_FULL (1u << 1)
#define CTRL_TX_ENABLE (1u << 0)
#define CTRL_RX_ENABLE (1u << 1)

void eq_uart_start(uint32_t clock_hz)
{
    const uint32_t divisor = clock_hz / EQ_UART_BAUD;
    UART_BAUDDIV = divisor < 16 ? 16 : divisor;
    UART_CTRL = CTRL_TX_ENABLE | CTRL_RX_ENABLE;
}

int eq_uart_read_byte(void)
{
    return UART_STATE & STATE_RX_FULL ? (int)(UART_DATA & 0xFF) : EQ_CONSOLE_NOTHING;
}

int eq_uart_can_write(void)
{
    return !(UART_STATE & STATE_TX_FULL);
}

int eq_uart_has_sent(void)
{
    return !(UART_STATE & STATE_TX_FULL);
}

void eq_uart_write_byte(uint8_t byte)
{
    UART_DATA = byte;
}
