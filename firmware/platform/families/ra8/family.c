/* Renesas RA8 (Cortex-M85), on the clock of 8 MHz that it has from reset, its middle-speed oscillator (RA8D1 User's
 * Manual, 9): caches, branch prediction and loops without branches (Armv8-M Architecture Reference Manual, CCR). */
#include "caches.h"
#include "parts.h"

#define SCB_CCR_BP (1u << 18)
#define SCB_CCR_LOB (1u << 19)

void eq_family_start(void)
{
    SCB_CCR |= SCB_CCR_BP | SCB_CCR_LOB;
    eq_enable_caches();
}
