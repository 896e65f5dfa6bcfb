/* Pins of the STM32 families after F1 (reference manuals, chapter GPIO: the same registers in all). */
#ifndef EQ_PINS_H
#define EQ_PINS_H

#include "registers.h"

/* Connects a pin, sixteen to a port, to an alternate function. `ports` is the address of port A. */
static inline void eq_connect_pin(uintptr_t ports, uint32_t pin, uint32_t function)
{
    const uintptr_t port = ports + 0x400u * (pin >> 4);
    const uint32_t at = pin & 15;
    volatile uint32_t *const mode = &EQ_REGISTER(port + 0x00u);
    volatile uint32_t *const pull = &EQ_REGISTER(port + 0x0Cu);
    volatile uint32_t *const alternate = &EQ_REGISTER(port + (at < 8 ? 0x20u : 0x24u));
    *alternate = (*alternate & ~(15u << 4 * (at & 7))) | function << 4 * (at & 7);
    *pull = (*pull & ~(3u << 2 * at)) | 1u << 2 * at; /* up: an open line is idle */
    *mode = (*mode & ~(3u << 2 * at)) | 2u << 2 * at;
}

#endif
