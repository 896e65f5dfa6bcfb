/* RP2040 (RP2040 Datasheet, 2.2 Address Map, 2.14 Resets, 2.19 GPIO). */
#ifndef EQ_CHIP_H
#define EQ_CHIP_H

#define CLOCKS 0x40008000u
#define RESETS 0x4000C000u
#define IO_BANK0 0x40014000u
#define PADS_BANK0 0x4001C000u
#define XOSC 0x40024000u
#define PLL_SYS 0x40028000u
#define UART0 0x40034000u

#define RESET_IO_BANK0 (1u << 5)
#define RESET_PADS_BANK0 (1u << 8)
#define RESET_PLL_SYS (1u << 12)
#define RESET_UART0 (1u << 22)
#define RESET_UART1 (1u << 23)

#define PAD_CONNECTED 0x5Au /* input enabled, 4 mA, pulled up, with hysteresis */

#define POSTDIV_1 6
#define POSTDIV_2 2

#endif
