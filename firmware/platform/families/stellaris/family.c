/* Stellaris LM3S6965 with its crystal of 8 MHz (data sheet SPMS294, System Control and GPIO). */
#include "parts.h"
#include "registers.h"
#include "wait.h"

#define SYSCTL_RIS EQ_REGISTER(0x400FE050u)
#define SYSCTL_RCC EQ_REGISTER(0x400FE060u)
#define SYSCTL_RCGC1 EQ_REGISTER(0x400FE104u)
#define SYSCTL_RCGC2 EQ_REGISTER(0x400FE108u)
#define GPIO_A_AFSEL EQ_REGISTER(0x40004420u)
#define GPIO_A_DEN EQ_REGISTER(0x4000451Cu)

#define RIS_PLLLRIS (1u << 6)
#define RCC_MOSCDIS (1u << 0)
#define RCC_OSCSRC (3u << 4)
#define RCC_XTAL (15u << 6)
#define RCC_XTAL_8_MHZ (14u << 6)
#define RCC_BYPASS (1u << 11)
#define RCC_PWRDN (1u << 13)
#define RCC_USESYSDIV (1u << 22)
#define RCC_SYSDIV (15u << 23)

enum { PLL_HZ = 200000000 };

_Static_assert(PLL_HZ % EQ_CLOCK_HZ == 0 && EQ_CLOCK_HZ <= 50000000, "the PLL has no such clock");

void eq_family_start(void)
{
    uint32_t rcc = (SYSCTL_RCC | RCC_BYPASS) & ~RCC_USESYSDIV;
    SYSCTL_RCC = rcc;
    rcc = (rcc & ~(RCC_MOSCDIS | RCC_OSCSRC | RCC_XTAL | RCC_PWRDN | RCC_SYSDIV)) | RCC_XTAL_8_MHZ;
    SYSCTL_RCC = rcc; /* the main oscillator, and the PLL on */
    rcc |= RCC_USESYSDIV | (uint32_t)(PLL_HZ / EQ_CLOCK_HZ - 1) << 23;
    SYSCTL_RCC = rcc;
    if (eq_becomes(&SYSCTL_RIS, RIS_PLLLRIS, RIS_PLLLRIS)) {
        SYSCTL_RCC = rcc & ~RCC_BYPASS;
    }
}

#ifdef EQ_UART_TX
uint32_t eq_family_uart(void)
{
    const uint32_t pins = 1u << EQ_UART_TX | 1u << EQ_UART_RX;
    SYSCTL_RCGC1 |= 1u << 0; /* UART 0 */
    SYSCTL_RCGC2 |= 1u << 0; /* port A */
    (void)SYSCTL_RCGC2;      /* three cycles go by */
    (void)SYSCTL_RCGC2;
    GPIO_A_AFSEL |= pins;
    GPIO_A_DEN |= pins;
    return SYSCTL_RCC & RCC_BYPASS ? 8000000 : EQ_CLOCK_HZ;
}
#endif
