/* STM32F4, on the clock of its internal oscillator of 16 MHz (RM0090, RM0383 and RM0390: flash, PWR, RCC). */
#include "parts.h"
#include "pins.h"
#include "registers.h"
#include "wait.h"

#define FLASH_ACR EQ_REGISTER(0x40023C00u)
#define PWR_CR EQ_REGISTER(0x40007000u)
#define PWR_CSR EQ_REGISTER(0x40007004u)
#define RCC_CR EQ_REGISTER(0x40023800u)
#define RCC_PLLCFGR EQ_REGISTER(0x40023804u)
#define RCC_CFGR EQ_REGISTER(0x40023808u)
#define RCC_AHB1ENR EQ_REGISTER(0x40023830u)
#define RCC_APB1ENR EQ_REGISTER(0x40023840u)
#define RCC_APB2ENR EQ_REGISTER(0x40023844u)
#define GPIO_A 0x40020000u

#define ACR_PREFETCH_AND_CACHES (7u << 8)
#define PWR_CR_VOS (3u << 14)
#define PWR_CR_VOS_SCALE_2 (2u << 14)
#define PWR_CR_ODEN (1u << 16)
#define PWR_CR_ODSWEN (1u << 17)
#define PWR_CSR_ODRDY (1u << 16)
#define PWR_CSR_ODSWRDY (1u << 17)
#define CR_PLLON (1u << 24)
#define CR_PLLRDY (1u << 25)
#define PLLCFGR_OF_THE_CORE (1u << 22 | 3u << 16 | 0x7FFFu) /* source, P, N and M */
#define PLLCFGR_N(by) ((by) << 6)
#define CFGR_PRESCALERS (4u << 13 | 5u << 10) /* APB2 by 2, APB1 by 4 */
#define CFGR_SW_PLL 2u
#define CFGR_SWS (3u << 2)
#define CFGR_SWS_PLL (2u << 2)
#define APB1ENR_PWR (1u << 28)

enum { HSI_HZ = 16000000, M = 8, P = 2, VCO_INPUT_HZ = HSI_HZ / M };

_Static_assert(EQ_CLOCK_HZ *P / VCO_INPUT_HZ >= 50 && EQ_CLOCK_HZ * P / VCO_INPUT_HZ <= 216,
               "the PLL has no such clock");
_Static_assert(EQ_CLOCK_HZ % (VCO_INPUT_HZ / P) == 0, "the PLL has no such clock");

void eq_family_start(void)
{
    RCC_APB1ENR |= APB1ENR_PWR;
    if ((PWR_CR & PWR_CR_VOS) == PWR_CR_VOS_SCALE_2) {
        PWR_CR |= PWR_CR_VOS; /* scale 1, from which the others start */
    }
    RCC_PLLCFGR = (RCC_PLLCFGR & ~PLLCFGR_OF_THE_CORE) | PLLCFGR_N((uint32_t)(EQ_CLOCK_HZ * P / VCO_INPUT_HZ)) | M;
    RCC_CR |= CR_PLLON;
    if (!eq_becomes(&RCC_CR, CR_PLLRDY, CR_PLLRDY)) {
        return;
    }
#if EQ_CLOCK_HZ > 168000000
    PWR_CR |= PWR_CR_ODEN;
    if (!eq_becomes(&PWR_CSR, PWR_CSR_ODRDY, PWR_CSR_ODRDY)) {
        return;
    }
    PWR_CR |= PWR_CR_ODSWEN;
    if (!eq_becomes(&PWR_CSR, PWR_CSR_ODSWRDY, PWR_CSR_ODSWRDY)) {
        return;
    }
#endif
    /* A wait state for every 30 MHz, at 2.7 V or more. */
    FLASH_ACR = ACR_PREFETCH_AND_CACHES | (EQ_CLOCK_HZ - 1) / 30000000;
    (void)eq_becomes(&FLASH_ACR, 7, (EQ_CLOCK_HZ - 1) / 30000000);
    RCC_CFGR = CFGR_PRESCALERS;
    RCC_CFGR |= CFGR_SW_PLL;
    (void)eq_becomes(&RCC_CFGR, CFGR_SWS, CFGR_SWS_PLL);
}

#ifdef EQ_UART_TX
/* USART1 and USART6 are on the faster bus. */
static void enable_uart(void)
{
    switch (EQ_UART_BASE) {
    case 0x40011000u:
        RCC_APB2ENR |= 1u << 4;
        break;
    case 0x40011400u:
        RCC_APB2ENR |= 1u << 5;
        break;
    case 0x40004400u:
        RCC_APB1ENR |= 1u << 17;
        break;
    default:
        RCC_APB1ENR |= 1u << 18;
        break;
    }
}

uint32_t eq_family_uart(void)
{
    const int fast = (RCC_CFGR & CFGR_SWS) == CFGR_SWS_PLL;
    RCC_AHB1ENR |= 1u << (EQ_UART_TX >> 4) | 1u << (EQ_UART_RX >> 4);
    enable_uart();
    eq_connect_pin(GPIO_A, EQ_UART_TX, EQ_UART_FUNCTION);
    eq_connect_pin(GPIO_A, EQ_UART_RX, EQ_UART_FUNCTION);
    return fast ? EQ_CLOCK_HZ / (EQ_UART_BASE >= 0x40010000u ? 2 : 4) : HSI_HZ;
}
#endif
