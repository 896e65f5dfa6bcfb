/* From reset to main() on a Cortex-M, without vendor code. The linker script is link.ld. */
#include <stdint.h>

#include "board.h"

#define CPACR (*(volatile uint32_t *)(uintptr_t)0xE000ED88u)

/* Addresses that the linker script gives. */
extern uint32_t data_start[], data_end[], bss_start[], bss_end[], stack_top[];
extern const uint32_t data_load[];

int main(void);
void reset(void) __attribute__((noreturn));

/* Arm's semihosting: a request that a debugger or emulator answers. */
static void ask(uint32_t what, uintptr_t argument)
{
    register uint32_t r0 __asm__("r0") = what;
    register uintptr_t r1 __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
}

void board_print(const char *text)
{
    ask(4 /* SYS_WRITE0 */, (uintptr_t)text);
}

void board_print_number(unsigned long value)
{
    char text[12], *at = &text[sizeof text - 1];
    *at = '\0';
    do {
        *--at = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    board_print(at);
}

void board_exit(int code)
{
    const uint32_t block[2] = {0x20026 /* ended by the application */, (uint32_t)code};
    for (;;) {
        ask(0x20 /* SYS_EXIT_EXTENDED */, (uintptr_t)block);
    }
}

static void stop(void)
{
    board_print("fault\n");
    board_exit(100);
}

/* An operating system has its own; without one nothing asks for them. */
void pendsv_handler(void) __attribute__((weak, alias("stop")));
void systick_handler(void) __attribute__((weak, alias("stop")));

void reset(void)
{
#ifdef __ARM_FP
    CPACR |= 0xfu << 20; /* the FPU is off after a reset */
    __asm__ volatile("dsb\n\tisb" ::: "memory");
#endif
    const uint32_t *from = data_load;
    for (uint32_t *to = data_start; to < data_end; to++) {
        *to = *from++;
    }
    for (uint32_t *to = bss_start; to < bss_end; to++) {
        *to = 0;
    }
    board_exit(main());
}

typedef void (*handler)(void);
struct vectors {
    const void *stack;
    handler handlers[15];
};
__attribute__((section(".vectors"), used)) const struct vectors vectors = {
    stack_top,
    {reset, stop, stop, stop, stop, stop, stop, 0, 0, 0, stop, stop, 0, pendsv_handler, systick_handler},
};
