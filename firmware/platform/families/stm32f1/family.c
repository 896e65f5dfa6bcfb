/* STM32F1, on the clock of its internal oscillator of 8 MHz (RM0041 and RM0008: flash, RCC, GPIO). */
#include "parts.h"
#include "registers.h"
#include "wait.h"

#define FLASH_ACR EQ_REGISTER(0x40022000u)
#define RCC_CR EQ_REGISTER(0x40021000u)
#define RCC_CFGR EQ_REGISTER(0x40021004u)
#define RCC_APB2ENR EQ_REGISTER(0x40021018u)
#define RCC_APB1ENR EQ_REGISTER(0x4002101Cu)

#define CR_PLLON (1u << 24)
#define CR_PLLRDY (1u << 25)
#define CFGR_SW_PLL 2u
#define CFGR_SWS (3u << 2)
#define CFGR_SWS_PLL (2u << 2)
#define CFGR_PPRE1_BY_2 (4u << 8)
#define CFGR_PLLMUL(by) (((by) - 2u) << 18)
#define APB1ENR_USART2 (1u << 17)
#define APB1ENR_USART3 (1u << 18)
#define APB2ENR_IOPAEN (1u << 2)
#define APB2ENR_USART1 (1u << 14)

enum { HSI_HZ = 8000000, PLL_INPUT_HZ = HSI_HZ / 2 };

_Static_assert(EQ_CLOCK_HZ % PLL_INPUT_HZ == 0 && EQ_CLOCK_HZ / PLL_INPUT_HZ <= 16, "no such clock without a crystal");

void eq_family_start(void)
{
#if EQ_CLOCK_HZ > 24000000 /* the value line, which has no wait states, ends there */
    FLASH_ACR = (FLASH_ACR & ~7u) | (EQ_CLOCK_HZ - 1) / 24000000;
#endif
    RCC_CFGR = CFGR_PLLMUL((uint32_t)(EQ_CLOCK_HZ / PLL_INPUT_HZ)) | (EQ_CLOCK_HZ > 36000000 ? CFGR_PPRE1_BY_2 : 0);
    RCC_CR |= CR_PLLON;
    if (eq_becomes(&RCC_CR, CR_PLLRDY, CR_PLLRDY)) {
        RCC_CFGR |= CFGR_SW_PLL;
        (void)eq_becomes(&RCC_CFGR, CFGR_SWS, CFGR_SWS_PLL);
    }
}

#ifdef EQ_UART_TX
/* The first port's address; sixteen pins to a port, four bits each. */
static void set_pin(uint32_t pin, uint32_t mode)
{
    volatile uint32_t *const configuration = &EQ_REGISTER(0x40010800u + 0x400u * (pin >> 4) + (pin & 8 ? 4u : 0u));
    *configuration = (*configuration & ~(15u << 4 * (pin & 7))) | mode << 4 * (pin & 7);
}

uint32_t eq_family_uart(void)
{
    enum { ALTERNATE_PUSH_PULL = 0xB, FLOATING_INPUT = 0x4 };
    const int fast = (RCC_CFGR & CFGR_SWS) == CFGR_SWS_PLL;
    const int on_apb2 = EQ_UART_BASE >= 0x40010000u;
    RCC_APB2ENR |= APB2ENR_IOPAEN << (EQ_UART_TX >> 4) | (on_apb2 ? APB2ENR_USART1 : 0);
    RCC_APB1ENR |= on_apb2 ? 0 : EQ_UART_BASE == 0x40004400u ? APB1ENR_USART2 : APB1ENR_USART3;
    set_pin(EQ_UART_TX, ALTERNATE_PUSH_PULL);
    set_pin(EQ_UART_RX, FLOATING_INPUT);
    return !fast ? HSI_HZ : on_apb2 || EQ_CLOCK_HZ <= 36000000 ? EQ_CLOCK_HZ : EQ_CLOCK_HZ / 2;
}
#endif
