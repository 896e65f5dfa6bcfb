/* Waiting for hardware that may be absent: an emulator has no oscillators, and a board may lack a crystal. */
#ifndef EQ_WAIT_H
#define EQ_WAIT_H

#include <stdint.h>

/* Whether the bits `mask` of a register become `value` within a few milliseconds. */
static inline int eq_becomes(const volatile uint32_t *reg, uint32_t mask, uint32_t value)
{
    for (uint32_t left = 100000; left; left--) {
        if ((*reg & mask) == value) {
            return 1;
        }
    }
    return 0;
}

#endif
