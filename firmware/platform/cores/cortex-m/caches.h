/* The caches of Cortex-M7, M55 and M85 (Arm Cortex-M7 Devices Generic User Guide, 4.8). No other master shares memory
 * with the core here, so nothing has to be cleaned. */
#ifndef EQ_CACHES_H
#define EQ_CACHES_H

#include "registers.h"

static inline void eq_enable_caches(void)
{
    SCB_ICIALLU = 0;
    __asm__ volatile("dsb\n\tisb" ::: "memory");
    SCB_CCR |= SCB_CCR_IC;
    SCB_CSSELR = 0;
    __asm__ volatile("dsb" ::: "memory");
    /* After reset the lines of the data cache hold anything. */
    const uint32_t size = SCB_CCSIDR;
    for (uint32_t set = 0; set <= (size >> 13 & 0x7FFFu); set++) {
        for (uint32_t way = 0; way <= (size >> 3 & 0x3FFu); way++) {
            SCB_DCISW = way << 30 | set << 5; /* four ways, lines of 32 bytes */
        }
    }
    __asm__ volatile("dsb" ::: "memory");
    SCB_CCR |= SCB_CCR_DC;
    __asm__ volatile("dsb\n\tisb" ::: "memory");
}

#endif
