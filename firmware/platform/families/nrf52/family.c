/* Nordic nRF52833 and nRF52840 (their Product Specifications, CLOCK and NVMC): 64 MHz, from the crystal where there is
 * one, and the cache of instructions. */
#include "parts.h"
#include "registers.h"
#include "wait.h"

#define CLOCK_TASKS_HFCLKSTART EQ_REGISTER(0x40000000u)
#define CLOCK_EVENTS_HFCLKSTARTED EQ_REGISTER(0x40000100u)
#define NVMC_ICACHECNF EQ_REGISTER(0x4001E540u)

void eq_family_start(void)
{
    CLOCK_EVENTS_HFCLKSTARTED = 0;
    CLOCK_TASKS_HFCLKSTART = 1;
    (void)eq_becomes(&CLOCK_EVENTS_HFCLKSTARTED, 1, 1);
    NVMC_ICACHECNF = 1;
}

uint32_t eq_family_uart(void)
{
    return 16000000;
}
