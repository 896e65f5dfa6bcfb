/* STM32L4 and L4+, on the clock of their internal oscillator of 16 MHz (RM0351 and RM0432: flash, PWR, RCC). */
#include "parts.h"
#include "pins.h"
#include "registers.h"
#include "wait.h"

#define FLASH_ACR EQ_REGISTER(0x40022000u)
#define PWR_CR2 EQ_REGISTER(0x40007004u)
#define PWR_SR2 EQ_REGISTER(0x40007014u)
#define PWR_CR5 EQ_REGISTER(0x40007080u)
#define RCC_CR EQ_REGISTER(0x40021000u)
#define RCC_CFGR EQ_REGISTER(0x40021008u)
#define RCC_PLLCFGR EQ_REGISTER(0x4002100Cu)
#define RCC_AHB2ENR EQ_REGISTER(0x4002104Cu)
#define RCC_APB1ENR1 EQ_REGISTER(0x40021058u)
#define RCC_APB1ENR2 EQ_REGISTER(0x4002105Cu)
#define RCC_APB2ENR EQ_REGISTER(0x40021060u)
#define RCC_CCIPR EQ_REGISTER(0x40021088u)
#define GPIO_A 0x48000000u
#define LPUART1 0x40008000u

#define ACR_PREFETCH_AND_CACHES (7u << 8)
#define PWR_CR2_IOSV (1u << 9)
#define PWR_CR5_R1MODE (1u << 8)
#define CR_HSION (1u << 8)
#define CR_HSIRDY (1u << 10)
#define CR_PLLON (1u << 24)
#define CR_PLLRDY (1u << 25)
#define PLLCFGR_FROM_HSI 2u
#define PLLCFGR_M_2 (1u << 4)
#define PLLCFGR_N(by) ((by) << 8)
#define PLLCFGR_REN (1u << 24) /* R is 2 */
#define CFGR_HPRE (15u << 4)
#define CFGR_HPRE_BY_2 (8u << 4)
#define CFGR_SW_PLL 3u
#define CFGR_SWS (3u << 2)
#define CFGR_SWS_PLL (3u << 2)
#define APB1ENR1_PWR (1u << 28)
#define CCIPR_LPUART1_FROM_HSI (2u << 10)

enum { HSI_HZ = 16000000, VCO_INPUT_HZ = HSI_HZ / 2, R = 2, MSI_HZ = 4000000 };
enum { MAX_L4_HZ = 80000000, BOOSTED = EQ_CLOCK_HZ > MAX_L4_HZ };
/* Boosted, which L4+ alone can be, flash takes a wait state for every 20 MHz; otherwise L4 takes one for every 16. */
enum { WAIT_STATES = (EQ_CLOCK_HZ - 1) / (BOOSTED ? 20000000 : 16000000) };

_Static_assert(EQ_CLOCK_HZ *R % VCO_INPUT_HZ == 0 && EQ_CLOCK_HZ <= 120000000, "the PLL has no such clock");

void eq_family_start(void)
{
    RCC_CR |= CR_HSION;
    (void)eq_becomes(&RCC_CR, CR_HSIRDY, CR_HSIRDY);
    RCC_APB1ENR1 |= APB1ENR1_PWR;
    if (BOOSTED) {
        PWR_CR5 &= ~PWR_CR5_R1MODE;
    }
    RCC_PLLCFGR = PLLCFGR_FROM_HSI | PLLCFGR_M_2 | PLLCFGR_N((uint32_t)(EQ_CLOCK_HZ * R / VCO_INPUT_HZ)) | PLLCFGR_REN;
    RCC_CR |= CR_PLLON;
    if (!eq_becomes(&RCC_CR, CR_PLLRDY, CR_PLLRDY)) {
        return;
    }
    FLASH_ACR = ACR_PREFETCH_AND_CACHES | WAIT_STATES;
    (void)eq_becomes(&FLASH_ACR, 7, WAIT_STATES);
    RCC_CFGR = CFGR_HPRE_BY_2 | CFGR_SW_PLL; /* half of it first, for at least a microsecond */
    (void)eq_becomes(&RCC_CFGR, CFGR_SWS, CFGR_SWS_PLL);
    for (uint32_t left = EQ_CLOCK_HZ / 1000000; left; left--) {
        __asm__ volatile("nop");
    }
    RCC_CFGR &= ~CFGR_HPRE;
}

#ifdef EQ_UART_TX
uint32_t eq_family_uart(void)
{
    const int fast = (RCC_CFGR & CFGR_SWS) == CFGR_SWS_PLL;
    const uint32_t ports = 1u << (EQ_UART_TX >> 4) | 1u << (EQ_UART_RX >> 4);
    RCC_AHB2ENR |= ports;
    if (ports & 1u << 6) {
        PWR_CR2 |= PWR_CR2_IOSV; /* port G has a supply of its own, which is there */
    }
    if (EQ_UART_BASE == LPUART1) {
        RCC_CCIPR |= CCIPR_LPUART1_FROM_HSI;
        RCC_APB1ENR2 |= 1u << 0;
    } else if (EQ_UART_BASE == 0x40013800u) {
        RCC_APB2ENR |= 1u << 14; /* USART1 */
    } else {
        RCC_APB1ENR1 |= 1u << (EQ_UART_BASE == 0x40004400u ? 17 : 18); /* USART2, USART3 */
    }
    eq_connect_pin(GPIO_A, EQ_UART_TX, EQ_UART_FUNCTION);
    eq_connect_pin(GPIO_A, EQ_UART_RX, EQ_UART_FUNCTION);
    if (EQ_UART_BASE == LPUART1) {
        return HSI_HZ * 256u; /* it divides 256 times its clock */
    }
    return fast ? EQ_CLOCK_HZ : MSI_HZ;
}
#endif
