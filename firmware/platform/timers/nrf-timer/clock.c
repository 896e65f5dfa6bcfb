/* Cycles of nRF51, which has neither SysTick nor a cycle counter: TIMER0 counts 16 MHz, which is the core's clock, in
 * 32 bits (nRF51 Series Reference Manual 3.0.1, TIMER). */
#include "eq_platform.h"
#include "parts.h"
#include "registers.h"

void eq_systick(void)
{
}

#ifdef EQ_PROFILE

#define TIMER0_TASKS_START EQ_REGISTER(0x40008000u)
#define TIMER0_TASKS_CAPTURE0 EQ_REGISTER(0x40008040u)
#define TIMER0_BITMODE EQ_REGISTER(0x40008508u)
#define TIMER0_PRESCALER EQ_REGISTER(0x40008510u)
#define TIMER0_CC0 EQ_REGISTER(0x40008540u)

enum { BITMODE_32 = 3 };

/* Exact as long as no two calls are 2^32 cycles apart. */
uint64_t eq_platform_clock(void)
{
    static int started;
    static uint32_t last;
    static uint64_t rounds;
    if (!started) {
        started = 1;
        TIMER0_BITMODE = BITMODE_32;
        TIMER0_PRESCALER = 0;
        TIMER0_TASKS_START = 1;
    }
    TIMER0_TASKS_CAPTURE0 = 1;
    const uint32_t now = TIMER0_CC0;
    rounds += now < last;
    last = now;
    return rounds << 32 | now;
}

#else

uint64_t eq_platform_clock(void)
{
    return 0;
}

#endif
