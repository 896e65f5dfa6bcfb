/* STM32G0, on the clock of its internal oscillator of 16 MHz (RM0444: flash, RCC). */
#include "parts.h"
#include "pins.h"
#include "registers.h"
#include "wait.h"

#define FLASH_ACR EQ_REGISTER(0x40022000u)
#define RCC_CR EQ_REGISTER(0x40021000u)
#define RCC_CFGR EQ_REGISTER(0x40021008u)
#define RCC_PLLCFGR EQ_REGISTER(0x4002100Cu)
#define RCC_IOPENR EQ_REGISTER(0x40021034u)
#define RCC_APBENR1 EQ_REGISTER(0x4002103Cu)
#define RCC_APBENR2 EQ_REGISTER(0x40021040u)
#define GPIO_A 0x50000000u

#define ACR_PREFETCH_AND_CACHE (3u << 8)
#define CR_PLLON (1u << 24)
#define CR_PLLRDY (1u << 25)
#define PLLCFGR_FROM_HSI 2u
#define PLLCFGR_N(by) ((by) << 8)
#define PLLCFGR_REN (1u << 28)
#define PLLCFGR_R_2 (1u << 29)
#define CFGR_SW_PLL 2u
#define CFGR_SWS (7u << 3)
#define CFGR_SWS_PLL (2u << 3)

enum { HSI_HZ = 16000000, R = 2 };

_Static_assert(EQ_CLOCK_HZ *R % HSI_HZ == 0 && EQ_CLOCK_HZ <= 64000000, "the PLL has no such clock");

void eq_family_start(void)
{
    /* A wait state for every 24 MHz, in the range of voltages that reset selects. */
    FLASH_ACR = (FLASH_ACR & ~7u) | ACR_PREFETCH_AND_CACHE | (EQ_CLOCK_HZ - 1) / 24000000;
    (void)eq_becomes(&FLASH_ACR, 7, (EQ_CLOCK_HZ - 1) / 24000000);
    RCC_PLLCFGR = PLLCFGR_FROM_HSI | PLLCFGR_N((uint32_t)(EQ_CLOCK_HZ * R / HSI_HZ)) | PLLCFGR_REN | PLLCFGR_R_2;
    RCC_CR |= CR_PLLON;
    if (eq_becomes(&RCC_CR, CR_PLLRDY, CR_PLLRDY)) {
        RCC_CFGR |= CFGR_SW_PLL;
        (void)eq_becomes(&RCC_CFGR, CFGR_SWS, CFGR_SWS_PLL);
    }
}

#ifdef EQ_UART_TX
uint32_t eq_family_uart(void)
{
    const int fast = (RCC_CFGR & CFGR_SWS) == CFGR_SWS_PLL;
    RCC_IOPENR |= 1u << (EQ_UART_TX >> 4) | 1u << (EQ_UART_RX >> 4);
    if (EQ_UART_BASE == 0x40013800u) {
        RCC_APBENR2 |= 1u << 14; /* USART1 */
    } else {
        RCC_APBENR1 |= 1u << (EQ_UART_BASE == 0x40004400u ? 17 : 18); /* USART2, USART3 */
    }
    eq_connect_pin(GPIO_A, EQ_UART_TX, EQ_UART_FUNCTION);
    eq_connect_pin(GPIO_A, EQ_UART_RX, EQ_UART_FUNCTION);
    return fast ? EQ_CLOCK_HZ : HSI_HZ;
}
#endif
