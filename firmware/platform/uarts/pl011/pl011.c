/* Arm's PrimeCell UART PL011 (DDI 0183, chapter 3), which the RP2040, RP2350 and Stellaris chips have. */
#include "eq_console.h"
#include "registers.h"
#include "uart.h"

#define UARTDR EQ_REGISTER(EQ_UART_BASE + 0x00u)
#define UARTFR EQ_REGISTER(EQ_UART_BASE + 0x18u)
#define UARTIBRD EQ_REGISTER(EQ_UART_BASE + 0x24u)
#define UARTFBRD EQ_REGISTER(EQ_UART_BASE + 0x28u)
#define UARTLCR_H EQ_REGISTER(EQ_UART_BASE + 0x2Cu)
#define UARTCR EQ_REGISTER(EQ_UART_BASE + 0x30u)

#define FR_BUSY (1u << 3)
#define FR_RXFE (1u << 4)
#define FR_TXFF (1u << 5)
#define LCR_H_FEN (1u << 4)
#define LCR_H_8_BITS (3u << 5)
#define CR_UARTEN (1u << 0)
#define CR_TXE (1u << 8)
#define CR_RXE (1u << 9)

void eq_uart_start(uint32_t clock_hz)
{
    const uint32_t divisor = (4 * clock_hz + EQ_UART_BAUD / 2) / EQ_UART_BAUD; /* of a bit's sixteenth, in 64ths */
    UARTCR = 0;
    UARTIBRD = divisor >> 6;
    UARTFBRD = divisor & 63;
    UARTLCR_H = LCR_H_8_BITS | LCR_H_FEN; /* after the divisors, which it puts into effect */
    UARTCR = CR_UARTEN | CR_TXE | CR_RXE;
}

int eq_uart_read_byte(void)
{
    return UARTFR & FR_RXFE ? EQ_CONSOLE_NOTHING : (int)(UARTDR & 0xFF);
}

int eq_uart_can_write(void)
{
    return !(UARTFR & FR_TXFF);
}

int eq_uart_has_sent(void)
{
    return !(UARTFR & FR_BUSY);
}

void eq_uart_write_byte(uint8_t byte)
{
    UARTDR = byte;
}
