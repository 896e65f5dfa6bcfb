/* RP2350 (RP2350 Datasheet, 2.2 Address Map, 7.5 Resets, 9 GPIO). */
#ifndef EQ_CHIP_H
#define EQ_CHIP_H

#define CLOCKS 0x40010000u
#define RESETS 0x40020000u
#define IO_BANK0 0x40028000u
#define PADS_BANK0 0x40038000u
#define XOSC 0x40048000u
#define PLL_SYS 0x40050000u
#define UART0 0x40070000u

#define RESET_IO_BANK0 (1u << 6)
#define RESET_PADS_BANK0 (1u << 9)
#define RESET_PLL_SYS (1u << 14)
#define RESET_UART0 (1u << 26)
#define RESET_UART1 (1u << 27)

#define PAD_CONNECTED 0x5Au /* input enabled, 4 mA, pulled up, with hysteresis, and no longer isolated */

#define POSTDIV_1 5
#define POSTDIV_2 2

#endif
