/* The USART and LPUART of the STM32G0, L4, H7 and U5 families (reference manuals RM0444, RM0432, RM0433 and RM0456). */
#include "eq_console.h"
#include "registers.h"
#include "uart.h"

#define USART_CR1 EQ_REGISTER(EQ_UART_BASE + 0x00u)
#define USART_BRR EQ_REGISTER(EQ_UART_BASE + 0x0Cu)
#define USART_ISR EQ_REGISTER(EQ_UART_BASE + 0x1Cu)
#define USART_ICR EQ_REGISTER(EQ_UART_BASE + 0x20u)
#define USART_RDR EQ_REGISTER(EQ_UART_BASE + 0x24u)
#define USART_TDR EQ_REGISTER(EQ_UART_BASE + 0x28u)

#define ISR_ORE (1u << 3)
#define ISR_RXNE (1u << 5)
#define ISR_TC (1u << 6)
#define ISR_TXE (1u << 7)
#define ICR_ORECF (1u << 3)
#define CR1_UE (1u << 0)
#define CR1_RE (1u << 2)
#define CR1_TE (1u << 3)

void eq_uart_start(uint32_t clock_hz)
{
    USART_BRR = (clock_hz + EQ_UART_BAUD / 2) / EQ_UART_BAUD; /* before UE, with which it cannot be changed */
    USART_CR1 = CR1_UE | CR1_TE | CR1_RE;
}

int eq_uart_read_byte(void)
{
    const uint32_t state = USART_ISR;
    if (state & ISR_ORE) {
        USART_ICR = ICR_ORECF;
    }
    return state & ISR_RXNE ? (int)(USART_RDR & 0xFF) : EQ_CONSOLE_NOTHING;
}

int eq_uart_can_write(void)
{
    return (USART_ISR & ISR_TXE) != 0;
}

int eq_uart_has_sent(void)
{
    return (USART_ISR & ISR_TC) != 0;
}

void eq_uart_write_byte(uint8_t byte)
{
    USART_TDR = byte;
}
