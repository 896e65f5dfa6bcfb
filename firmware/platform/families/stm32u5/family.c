/* STM32U5 without TrustZone, on the clock of its internal oscillator of 16 MHz (RM0456: flash, ICACHE, PWR, RCC). */
#include "parts.h"
#include "pins.h"
#include "registers.h"
#include "wait.h"

#define FLASH_ACR EQ_REGISTER(0x40022000u)
#define ICACHE_CR EQ_REGISTER(0x40030400u)
#define PWR_VOSR EQ_REGISTER(0x4602080Cu)
#define RCC_CR EQ_REGISTER(0x46020C00u)
#define RCC_CFGR1 EQ_REGISTER(0x46020C1Cu)
#define RCC_PLL1CFGR EQ_REGISTER(0x46020C28u)
#define RCC_PLL1DIVR EQ_REGISTER(0x46020C34u)
#define RCC_AHB2ENR1 EQ_REGISTER(0x46020C8Cu)
#define RCC_AHB3ENR EQ_REGISTER(0x46020C94u)
#define RCC_APB1ENR1 EQ_REGISTER(0x46020C9Cu)
#define RCC_APB2ENR EQ_REGISTER(0x46020CA4u)
#define GPIO_A 0x42020000u

#define ACR_PREFETCH (1u << 8)
#define ICACHE_CR_EN (1u << 0)
#define PWR_VOSR_BOOSTRDY (1u << 14)
#define PWR_VOSR_VOSRDY (1u << 15)
#define PWR_VOSR_RANGE_1 (3u << 16)
#define PWR_VOSR_BOOSTEN (1u << 18)
#define CR_HSION (1u << 8)
#define CR_HSIRDY (1u << 10)
#define CR_PLL1ON (1u << 24)
#define CR_PLL1RDY (1u << 25)
#define PLL1CFGR_FROM_HSI 2u
#define PLL1CFGR_RGE_8_TO_16_MHZ (3u << 2)
#define PLL1CFGR_REN (1u << 18)
#define PLL1DIVR_PQR_BY_2 (1u << 9 | 1u << 16) /* and R by 1 */
#define CFGR1_SW_PLL1 3u
#define CFGR1_SWS (3u << 2)
#define CFGR1_SWS_PLL1 (3u << 2)
#define AHB3ENR_PWR (1u << 2)

enum { HSI_HZ = 16000000, MSI_HZ = 4000000 };

_Static_assert(EQ_CLOCK_HZ % HSI_HZ == 0 && EQ_CLOCK_HZ >= 128000000 && EQ_CLOCK_HZ <= 160000000,
               "the PLL has no such clock");

void eq_family_start(void)
{
    RCC_CR |= CR_HSION;
    (void)eq_becomes(&RCC_CR, CR_HSIRDY, CR_HSIRDY);
    RCC_AHB3ENR |= AHB3ENR_PWR;
    RCC_PLL1CFGR = PLL1CFGR_FROM_HSI | PLL1CFGR_RGE_8_TO_16_MHZ; /* M and the booster's divider are 1 */
    PWR_VOSR |= PWR_VOSR_RANGE_1;
    (void)eq_becomes(&PWR_VOSR, PWR_VOSR_VOSRDY, PWR_VOSR_VOSRDY);
    PWR_VOSR |= PWR_VOSR_BOOSTEN;
    (void)eq_becomes(&PWR_VOSR, PWR_VOSR_BOOSTRDY, PWR_VOSR_BOOSTRDY);
    RCC_PLL1DIVR = PLL1DIVR_PQR_BY_2 | (EQ_CLOCK_HZ / HSI_HZ - 1);
    RCC_CR |= CR_PLL1ON;
    if (eq_becomes(&RCC_CR, CR_PLL1RDY, CR_PLL1RDY)) {
        RCC_PLL1CFGR |= PLL1CFGR_REN;
        /* A wait state for every 32 MHz. */
        FLASH_ACR = ACR_PREFETCH | (EQ_CLOCK_HZ - 1) / 32000000;
        (void)eq_becomes(&FLASH_ACR, 15, (EQ_CLOCK_HZ - 1) / 32000000);
        RCC_CFGR1 |= CFGR1_SW_PLL1;
        (void)eq_becomes(&RCC_CFGR1, CFGR1_SWS, CFGR1_SWS_PLL1);
    }
    ICACHE_CR |= ICACHE_CR_EN;
}

#ifdef EQ_UART_TX
uint32_t eq_family_uart(void)
{
    const int fast = (RCC_CFGR1 & CFGR1_SWS) == CFGR1_SWS_PLL1;
    RCC_AHB2ENR1 |= 1u << (EQ_UART_TX >> 4) | 1u << (EQ_UART_RX >> 4);
    if (EQ_UART_BASE == 0x40013800u) {
        RCC_APB2ENR |= 1u << 14; /* USART1 */
    } else {
        RCC_APB1ENR1 |= 1u << 18; /* USART3 */
    }
    eq_connect_pin(GPIO_A, EQ_UART_TX, EQ_UART_FUNCTION);
    eq_connect_pin(GPIO_A, EQ_UART_RX, EQ_UART_FUNCTION);
    return fast ? EQ_CLOCK_HZ : MSI_HZ;
}
#endif
