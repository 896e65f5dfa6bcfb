/* The second stage of RP2040's start: 256 bytes at the beginning of the flash, which the boot ROM copies to RAM and calls
 * if their last word is the CRC-32 of the others (edgeq.toolchain.images writes it). It has the flash, a Winbond W25Q or one
 * that knows the same commands, read by four lines without a command for each access, and starts the program behind it.
 * RP2040 Datasheet, 2.8.1 and 4.10; W25Q16JV datasheet, 8.2 Instructions. */
    .syntax unified
    .cpu cortex-m0plus
    .thumb

    .equ XIP_SSI, 0x18000000
    .equ SSI_CTRLR0, 0x00
    .equ SSI_CTRLR1, 0x04
    .equ SSI_ENABLE, 0x08
    .equ SSI_BAUDR, 0x14
    .equ SSI_SR, 0x28
    .equ SSI_DR0, 0x60
    .equ SSI_RX_SAMPLE_DLY, 0xF0
    .equ SSI_SPI_CTRLR0, 0xF4
    .equ SR_TFE, 1 << 2
    .equ SR_BUSY, 1 << 0
    .equ SPI_8_BITS, 7 << 16
    .equ QUAD_READ_32_BITS, 2 << 21 | 31 << 16 | 3 << 8
    .equ COMMAND_THEN_QUAD_ADDRESS, 2 << 8 | 8 << 2 | 4 << 11 | 1
    .equ ONLY_QUAD_ADDRESS, 0xA0 << 24 | 8 << 2 | 4 << 11 | 2
    .equ PADS_QSPI, 0x40020000
    .equ SCB_VTOR, 0xE000ED08
    .equ PROGRAM, 0x10000100

    .equ WRITE_STATUS, 0x01
    .equ READ_STATUS_1, 0x05
    .equ WRITE_ENABLE, 0x06
    .equ READ_STATUS_2, 0x35
    .equ FAST_READ_QUAD, 0xEB
    .equ STATUS_1_BUSY, 1
    .equ STATUS_2_QUAD, 2
    .equ CONTINUE, 0xA0

    .section .boot2, "ax"
    .thumb_func
    .global eq_boot2
eq_boot2:
    /* The clock's pin strong and steep; no hysteresis on the data. */
    ldr r3, =PADS_QSPI
    movs r0, #0x21
    str r0, [r3, #4]
    ldr r0, [r3, #8]
    movs r1, #2
    bics r0, r1
    str r0, [r3, #8]
    str r0, [r3, #12]
    str r0, [r3, #16]
    str r0, [r3, #20]

    /* One line, bytes, half of the system's clock. */
    ldr r4, =XIP_SSI
    movs r7, #0
    movs r6, #1
    str r7, [r4, #SSI_ENABLE]
    movs r0, #2
    str r0, [r4, #SSI_BAUDR]
    movs r1, #SSI_RX_SAMPLE_DLY
    str r6, [r4, r1]
    ldr r0, =SPI_8_BITS
    str r0, [r4, #SSI_CTRLR0]
    str r6, [r4, #SSI_ENABLE]

    /* Four lines have to be allowed, once in the chip's life. */
    movs r0, #READ_STATUS_2
    bl ask
    movs r1, #STATUS_2_QUAD
    tst r0, r1
    bne allowed
    movs r0, #WRITE_ENABLE
    bl exchange
    movs r0, #WRITE_STATUS
    str r0, [r4, #SSI_DR0]
    str r7, [r4, #SSI_DR0]
    movs r0, #STATUS_2_QUAD
    bl exchange
    ldr r0, [r4, #SSI_DR0]
    ldr r0, [r4, #SSI_DR0]
1:
    movs r0, #READ_STATUS_1
    bl ask
    movs r1, #STATUS_1_BUSY
    tst r0, r1
    bne 1b
allowed:

    /* One read with its command, which says that the next ones have none. */
    str r7, [r4, #SSI_ENABLE]
    ldr r0, =QUAD_READ_32_BITS
    str r0, [r4, #SSI_CTRLR0]
    str r7, [r4, #SSI_CTRLR1]
    movs r5, #SSI_SPI_CTRLR0
    ldr r0, =COMMAND_THEN_QUAD_ADDRESS
    str r0, [r4, r5]
    str r6, [r4, #SSI_ENABLE]
    movs r0, #FAST_READ_QUAD
    str r0, [r4, #SSI_DR0]
    movs r0, #CONTINUE
    bl exchange
    str r7, [r4, #SSI_ENABLE]
    ldr r0, =ONLY_QUAD_ADDRESS
    str r0, [r4, r5]
    str r6, [r4, #SSI_ENABLE]

    /* The program begins with its stack pointer and its entry. */
    ldr r0, =PROGRAM
    ldr r1, =SCB_VTOR
    str r0, [r1]
    ldmia r0, {r0, r1}
    msr msp, r0
    bx r1

/* Sends the command r0 and a byte after it; r0 is what comes for the latter. */
ask:
    push {lr}
    str r0, [r4, #SSI_DR0]
    bl exchange
    ldr r0, [r4, #SSI_DR0]
    pop {pc}

/* Sends r0, waits until all is sent, and takes the first answer into r0. */
exchange:
    str r0, [r4, #SSI_DR0]
1:
    ldr r0, [r4, #SSI_SR]
    movs r1, #(SR_TFE | SR_BUSY)
    ands r0, r1
    cmp r0, #SR_TFE
    bne 1b
    ldr r0, [r4, #SSI_DR0]
    bx lr

    .ltorg
    .org 252, 0
    .word 0 /* the CRC */
