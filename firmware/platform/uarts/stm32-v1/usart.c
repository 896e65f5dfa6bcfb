/* The USART of the STM32F1, F2 and F4 families (reference manuals RM0008, RM0041 and RM0090, chapter USART). */
#include "eq_console.h"
#include "registers.h"
#include "uart.h"

#define USART_SR EQ_REGISTER(EQ_UART_BASE + 0x00u)
#define USART_DR EQ_REGISTER(EQ_UART_BASE + 0x04u)
#define USART_BRR EQ_REGISTER(EQ_UART_BASE + 0x08u)
#define USART_CR1 EQ_REGISTER(EQ_UART_BASE + 0x0Cu)

#define SR_RXNE (1u << 5)
#define SR_TC (1u << 6)
#define SR_TXE (1u << 7)
#define CR1_RE (1u << 2)
#define CR1_TE (1u << 3)
#define CR1_UE (1u << 13)

void eq_uart_start(uint32_t clock_hz)
{
    USART_BRR = (clock_hz + EQ_UART_BAUD / 2) / EQ_UART_BAUD; /* sixteenths of a bit's sixteenth */
    USART_CR1 = CR1_UE | CR1_TE | CR1_RE;
}

int eq_uart_read_byte(void)
{
    return USART_SR & SR_RXNE ? (int)(USART_DR & 0xFF) : EQ_CONSOLE_NOTHING; /* reading DR also clears an overrun */
}

int eq_uart_can_write(void)
{
    return (USART_SR & SR_TXE) != 0;
}

int eq_uart_has_sent(void)
{
    return (USART_SR & SR_TC) != 0;
}

void eq_uart_write_byte(uint8_t byte)
{
    USART_DR = byte;
}
