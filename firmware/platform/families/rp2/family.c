/* RP2040 and RP2350 with a crystal of 12 MHz (their datasheets: Resets, Clocks, XOSC, PLL, GPIO). */
#include "chip.h"
#include "parts.h"
#include "registers.h"
#include "wait.h"

/* Every register has aliases that set and clear bits. */
#define SET(reg) EQ_REGISTER((uintptr_t)&(reg) + 0x2000u)
#define CLEAR(reg) EQ_REGISTER((uintptr_t)&(reg) + 0x3000u)

#define RESETS_RESET EQ_REGISTER(RESETS + 0x0u)
#define RESETS_DONE EQ_REGISTER(RESETS + 0x8u)
#define XOSC_CTRL EQ_REGISTER(XOSC + 0x00u)
#define XOSC_STATUS EQ_REGISTER(XOSC + 0x04u)
#define XOSC_STARTUP EQ_REGISTER(XOSC + 0x0Cu)
#define PLL_CS EQ_REGISTER(PLL_SYS + 0x0u)
#define PLL_PWR EQ_REGISTER(PLL_SYS + 0x4u)
#define PLL_FBDIV EQ_REGISTER(PLL_SYS + 0x8u)
#define PLL_PRIM EQ_REGISTER(PLL_SYS + 0xCu)
#define CLK_REF_CTRL EQ_REGISTER(CLOCKS + 0x30u)
#define CLK_REF_SELECTED EQ_REGISTER(CLOCKS + 0x38u)
#define CLK_SYS_CTRL EQ_REGISTER(CLOCKS + 0x3Cu)
#define CLK_SYS_SELECTED EQ_REGISTER(CLOCKS + 0x44u)
#define CLK_PERI_CTRL EQ_REGISTER(CLOCKS + 0x48u)
#define GPIO_CTRL(pin) EQ_REGISTER(IO_BANK0 + 8u * (pin) + 4u)
#define PAD(pin) EQ_REGISTER(PADS_BANK0 + 4u * (pin) + 4u)

#define XOSC_ENABLE (0xFABu << 12 | 0xAA0u) /* 1 to 15 MHz */
#define XOSC_STABLE (1u << 31)
#define PLL_LOCK (1u << 31)
#define PLL_PD (1u << 0 | 1u << 5) /* PLL and VCO */
#define PLL_POSTDIVPD (1u << 3)
#define CLK_REF_FROM_XOSC 2u
#define CLK_SYS_FROM_PLL 1u
#define CLK_PERI_ENABLE (1u << 11)

enum { XOSC_HZ = 12000000, ROSC_HZ = 6500000, STARTUP_256_CYCLES = 47 /* a millisecond */ };
enum { VCO_HZ = EQ_CLOCK_HZ * POSTDIV_1 * POSTDIV_2 };

_Static_assert(VCO_HZ % XOSC_HZ == 0 && VCO_HZ >= 750000000 && VCO_HZ <= 1600000000, "the PLL has no such clock");

static void release(uint32_t what)
{
    CLEAR(RESETS_RESET) = what;
    (void)eq_becomes(&RESETS_DONE, what, what);
}

void eq_family_start(void)
{
    CLEAR(CLK_SYS_CTRL) = CLK_SYS_FROM_PLL; /* where a debugger has reset the core alone */
    (void)eq_becomes(&CLK_SYS_SELECTED, 3, 1);
    XOSC_STARTUP = STARTUP_256_CYCLES;
    XOSC_CTRL = XOSC_ENABLE;
    if (!eq_becomes(&XOSC_STATUS, XOSC_STABLE, XOSC_STABLE)) {
        return;
    }
    CLK_REF_CTRL = CLK_REF_FROM_XOSC;
    (void)eq_becomes(&CLK_REF_SELECTED, 1u << CLK_REF_FROM_XOSC, 1u << CLK_REF_FROM_XOSC);
    SET(RESETS_RESET) = RESET_PLL_SYS;
    release(RESET_PLL_SYS);
    PLL_CS = 1;
    PLL_FBDIV = VCO_HZ / XOSC_HZ;
    CLEAR(PLL_PWR) = PLL_PD;
    if (!eq_becomes(&PLL_CS, PLL_LOCK, PLL_LOCK)) {
        return;
    }
    PLL_PRIM = POSTDIV_1 << 16 | POSTDIV_2 << 12;
    CLEAR(PLL_PWR) = PLL_POSTDIVPD;
    CLK_SYS_CTRL = 0; /* the PLL is the first of the auxiliary sources */
    CLK_SYS_CTRL = CLK_SYS_FROM_PLL;
    (void)eq_becomes(&CLK_SYS_SELECTED, 1u << CLK_SYS_FROM_PLL, 1u << CLK_SYS_FROM_PLL);
}

#ifdef EQ_UART_TX
uint32_t eq_family_uart(void)
{
    const uint32_t fast = CLK_SYS_SELECTED & 1u << CLK_SYS_FROM_PLL;
    CLK_PERI_CTRL = CLK_PERI_ENABLE; /* from the system's clock */
    release(RESET_IO_BANK0 | RESET_PADS_BANK0 | (EQ_UART_BASE == UART0 ? RESET_UART0 : RESET_UART1));
    GPIO_CTRL(EQ_UART_TX) = EQ_UART_FUNCTION;
    GPIO_CTRL(EQ_UART_RX) = EQ_UART_FUNCTION;
    PAD(EQ_UART_TX) = PAD_CONNECTED;
    PAD(EQ_UART_RX) = PAD_CONNECTED;
    return fast ? EQ_CLOCK_HZ : ROSC_HZ;
}
#endif
