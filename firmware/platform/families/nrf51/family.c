/* Nordic nRF51 (nRF51 Series Reference Manual 3.0.1, CLOCK): 16 MHz, from the crystal where there is one. */
#include "parts.h"
#include "registers.h"
#include "wait.h"

#define CLOCK_TASKS_HFCLKSTART EQ_REGISTER(0x40000000u)
#define CLOCK_EVENTS_HFCLKSTARTED EQ_REGISTER(0x40000100u)

void eq_family_start(void)
{
    CLOCK_EVENTS_HFCLKSTARTED = 0;
    CLOCK_TASKS_HFCLKSTART = 1;
    (void)eq_becomes(&CLOCK_EVENTS_HFCLKSTARTED, 1, 1);
}

uint32_t eq_family_uart(void)
{
    return 16000000;
}
