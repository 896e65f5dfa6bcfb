/* STM32H742, H743, H750 and H753, on the clock of the internal oscillator of 64 MHz (RM0433: flash, PWR, RCC, SYSCFG).
 */
#include "caches.h"
#include "parts.h"
#include "pins.h"
#include "registers.h"
#include "wait.h"

#define FLASH_ACR EQ_REGISTER(0x52002000u)
#define PWR_CSR1 EQ_REGISTER(0x58024804u)
#define PWR_CR3 EQ_REGISTER(0x5802480Cu)
#define PWR_D3CR EQ_REGISTER(0x58024818u)
#define SYSCFG_PWRCR EQ_REGISTER(0x5800042Cu)
#define RCC_CR EQ_REGISTER(0x58024400u)
#define RCC_CFGR EQ_REGISTER(0x58024410u)
#define RCC_D1CFGR EQ_REGISTER(0x58024418u)
#define RCC_D2CFGR EQ_REGISTER(0x5802441Cu)
#define RCC_D3CFGR EQ_REGISTER(0x58024420u)
#define RCC_PLLCKSELR EQ_REGISTER(0x58024428u)
#define RCC_PLLCFGR EQ_REGISTER(0x5802442Cu)
#define RCC_PLL1DIVR EQ_REGISTER(0x58024430u)
#define RCC_AHB2ENR EQ_REGISTER(0x580244DCu)
#define RCC_AHB4ENR EQ_REGISTER(0x580244E0u)
#define RCC_APB1LENR EQ_REGISTER(0x580244E8u)
#define RCC_APB2ENR EQ_REGISTER(0x580244F0u)
#define RCC_APB4ENR EQ_REGISTER(0x580244F4u)
#define GPIO_A 0x58020000u

#define PWR_CSR1_ACTVOSRDY (1u << 13)
#define PWR_CR3_LDO (1u << 1 | 1u << 2) /* and SCUEN, which locks the choice */
#define PWR_D3CR_VOS_1 (3u << 14)
#define PWR_D3CR_VOSRDY (1u << 13)
#define PWRCR_ODEN (1u << 0)
#define CR_PLL1ON (1u << 24)
#define CR_PLL1RDY (1u << 25)
#define PLLCKSELR_M1 (63u << 4)
#define PLLCFGR_OF_PLL1 (15u << 0)
#define PLLCFGR_RGE_4_TO_8_MHZ (2u << 2)
#define CFGR_SW_PLL1 3u
#define CFGR_SWS (7u << 3)
#define CFGR_SWS_PLL1 (3u << 3)
#define AHB2ENR_SRAM1_TO_3 (7u << 29)
#define BY_2 4u /* of buses; of the core's own it is 8 */

enum { HSI_HZ = 64000000, M = 16, VCO_INPUT_HZ = HSI_HZ / M, P = 2, MAX_VOS1_HZ = 400000000 };

_Static_assert(EQ_CLOCK_HZ % (VCO_INPUT_HZ / P) == 0 && EQ_CLOCK_HZ <= 480000000, "the PLL has no such clock");

/* Above 400 MHz the core takes the highest voltage, of chips from revision V on; buses take half and a quarter. */
void eq_family_start(void)
{
    RCC_AHB2ENR |= AHB2ENR_SRAM1_TO_3; /* in which start-up may put what belongs there */
    (void)RCC_AHB2ENR;
    PWR_CR3 = (PWR_CR3 & ~7u) | PWR_CR3_LDO;
    (void)eq_becomes(&PWR_CSR1, PWR_CSR1_ACTVOSRDY, PWR_CSR1_ACTVOSRDY);
    PWR_D3CR |= PWR_D3CR_VOS_1;
    (void)eq_becomes(&PWR_D3CR, PWR_D3CR_VOSRDY, PWR_D3CR_VOSRDY);
    if (EQ_CLOCK_HZ > MAX_VOS1_HZ) {
        RCC_APB4ENR |= 1u << 1;
        SYSCFG_PWRCR |= PWRCR_ODEN;
        (void)eq_becomes(&PWR_D3CR, PWR_D3CR_VOSRDY, PWR_D3CR_VOSRDY);
    }
    RCC_PLLCKSELR = (RCC_PLLCKSELR & ~(PLLCKSELR_M1 | 3u)) | (uint32_t)M << 4;
    RCC_PLLCFGR = (RCC_PLLCFGR & ~PLLCFGR_OF_PLL1) | PLLCFGR_RGE_4_TO_8_MHZ;
    RCC_PLL1DIVR = (RCC_PLL1DIVR & 0xFFFF0000u) | (P - 1) << 9 | ((uint32_t)EQ_CLOCK_HZ / (VCO_INPUT_HZ / P) - 1);
    RCC_CR |= CR_PLL1ON;
    if (eq_becomes(&RCC_CR, CR_PLL1RDY, CR_PLL1RDY)) {
        FLASH_ACR = EQ_CLOCK_HZ > MAX_VOS1_HZ ? 0x24 : 0x22; /* wait states 4 or 2, and the delay of programming, 2 */
        (void)eq_becomes(&FLASH_ACR, 15, EQ_CLOCK_HZ > MAX_VOS1_HZ ? 4 : 2);
        RCC_D1CFGR = 8u | BY_2 << 4;
        RCC_D2CFGR = BY_2 << 4 | BY_2 << 8;
        RCC_D3CFGR = BY_2 << 4;
        RCC_CFGR |= CFGR_SW_PLL1;
        (void)eq_becomes(&RCC_CFGR, CFGR_SWS, CFGR_SWS_PLL1);
    }
    eq_enable_caches();
}

#ifdef EQ_UART_TX
uint32_t eq_family_uart(void)
{
    const int fast = (RCC_CFGR & CFGR_SWS) == CFGR_SWS_PLL1;
    RCC_AHB4ENR |= 1u << (EQ_UART_TX >> 4) | 1u << (EQ_UART_RX >> 4);
    if (EQ_UART_BASE == 0x40011000u) {
        RCC_APB2ENR |= 1u << 4; /* USART1 */
    } else {
        RCC_APB1LENR |= 1u << (EQ_UART_BASE == 0x40004400u ? 17 : 18); /* USART2, USART3 */
    }
    eq_connect_pin(GPIO_A, EQ_UART_TX, EQ_UART_FUNCTION);
    eq_connect_pin(GPIO_A, EQ_UART_RX, EQ_UART_FUNCTION);
    return fast ? EQ_CLOCK_HZ / 4 : HSI_HZ;
}
#endif
